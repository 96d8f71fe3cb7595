# What every target of weir has in common, and the one way a folder becomes a target.
# One kind of object serves programs and libweir_packetdrill.so. With hidden names the code is that of a program.
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
set(CMAKE_VISIBILITY_INLINES_HIDDEN ON)
find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
endif()

add_library(weir_flags INTERFACE)
target_include_directories(weir_flags INTERFACE ${CMAKE_SOURCE_DIR}/src ${CMAKE_SOURCE_DIR}/include)
target_compile_options(weir_flags INTERFACE
  -Wall -Wextra -Wpedantic -Werror -Wshadow -Wconversion -Wno-sign-conversion -Wnon-virtual-dtor -Wold-style-cast
  -fno-omit-frame-pointer $<$<CXX_COMPILER_ID:GNU>:-Wno-psabi>
  $<$<CXX_COMPILER_ID:Clang>:-Wno-deprecated-declarations>)  # of the standard library by itself
# A descriptor is cleared for every packet: g++ does that by "rep stos", which takes longer to begin than to do it in vectors.
if(NOT WEIR_SANITIZE AND CMAKE_CXX_COMPILER_ID STREQUAL GNU AND CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  target_compile_options(weir_flags INTERFACE -mmemset-strategy=vector_loop:512:noalign,libcall:-1:noalign)
endif()
if(WEIR_SANITIZE)
  # Objects of the core, which has no RTTI, are used where there is: the check of their vptr would always fail.
  target_compile_options(weir_flags INTERFACE -fsanitize=${WEIR_SANITIZE} -fno-sanitize=vptr -fno-sanitize-recover=all)
  target_link_options(weir_flags INTERFACE -fsanitize=${WEIR_SANITIZE})
endif()

# weir_library(base)                       a core folder: no exceptions, no RTTI
# weir_library(wire DEPENDS base)
# weir_library(cli FRONTEND DEPENDS api)   a frontend: exceptions allowed
function(weir_library name)
  cmake_parse_arguments(A "FRONTEND" "" "DEPENDS;LINK" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${name}/*.cpp ${CMAKE_CURRENT_SOURCE_DIR}/${name}/*/*.cpp)
  list(TRANSFORM A_DEPENDS PREPEND weir_)
  if(sources)
    add_library(weir_${name} STATIC ${sources})
    target_link_libraries(weir_${name} PUBLIC weir_flags ${A_DEPENDS} ${A_LINK})
    if(NOT A_FRONTEND)
      target_compile_options(weir_${name} PRIVATE -fno-exceptions -fno-rtti)
    endif()
  else()
    add_library(weir_${name} INTERFACE)
    target_link_libraries(weir_${name} INTERFACE weir_flags ${A_DEPENDS} ${A_LINK})
  endif()
endfunction()
