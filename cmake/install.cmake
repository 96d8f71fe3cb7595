# make install: the command, one static library with all folders up to api, public headers, documentation, completion.
include(GNUInstallDirs)

# libweir.a: the objects of the folders' libraries, so that a program links one file.
set(weir_objects)
foreach(folder base wire buf link ip udp tcp filter qos sock tunnel svc graph shard sim io rt api capi posix)
  if(TARGET weir_${folder})
    get_target_property(kind weir_${folder} TYPE)
    if(kind STREQUAL "STATIC_LIBRARY")
      list(APPEND weir_objects $<TARGET_OBJECTS:weir_${folder}>)
    endif()
  endif()
endforeach()
add_library(weir_archive STATIC ${weir_objects})
set_target_properties(weir_archive PROPERTIES OUTPUT_NAME weir LINKER_LANGUAGE CXX ARCHIVE_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/lib)

install(TARGETS weir RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(TARGETS weir_packetdrill_so LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(TARGETS weir_archive ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY ${CMAKE_SOURCE_DIR}/include/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
# What public headers include of src/. A program names include/weir/... only.
install(DIRECTORY ${CMAKE_SOURCE_DIR}/src/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/weir/src FILES_MATCHING PATTERN "*.hpp")

install(DIRECTORY ${CMAKE_SOURCE_DIR}/docs/ DESTINATION ${CMAKE_INSTALL_DOCDIR} PATTERN "*.csv" EXCLUDE)
install(FILES ${CMAKE_SOURCE_DIR}/README.md ${CMAKE_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY ${CMAKE_SOURCE_DIR}/examples DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(FILES ${CMAKE_SOURCE_DIR}/tools/completion/weir.bash RENAME weir
        DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)

# find_package(weir) with the target weir::weir, and pkg-config --libs weir.
include(CMakePackageConfigHelpers)
configure_package_config_file(${CMAKE_SOURCE_DIR}/cmake/weirConfig.cmake.in ${CMAKE_BINARY_DIR}/weirConfig.cmake
                              INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/weir PATH_VARS CMAKE_INSTALL_INCLUDEDIR CMAKE_INSTALL_LIBDIR)
write_basic_package_version_file(${CMAKE_BINARY_DIR}/weirConfigVersion.cmake COMPATIBILITY SameMinorVersion)
configure_file(${CMAKE_SOURCE_DIR}/cmake/weir.pc.in ${CMAKE_BINARY_DIR}/weir.pc @ONLY)
install(FILES ${CMAKE_BINARY_DIR}/weirConfig.cmake ${CMAKE_BINARY_DIR}/weirConfigVersion.cmake
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/weir)
install(FILES ${CMAKE_BINARY_DIR}/weir.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
