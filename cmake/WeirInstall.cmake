# What `cmake --install` puts where besides the program and its signatures, and the Debian package
# that `cpack` makes of it.
set(doc "share/doc/weir")
install(FILES systemd/weir.service DESTINATION lib/systemd/system)
install(FILES systemd/weir.sysusers DESTINATION lib/sysusers.d RENAME weir.conf)
install(FILES systemd/weir.tmpfiles DESTINATION lib/tmpfiles.d RENAME weir.conf)
# A configuration that is there stays: it is somebody's work. (dpkg has conffiles for that.)
install(CODE "
  set(there \"\$ENV{DESTDIR}/etc/weir/weir.yaml\")
  if(EXISTS \"\${there}\")
    message(STATUS \"Kept: \${there}\")
  else()
    file(INSTALL \"${PROJECT_SOURCE_DIR}/config/weir.yaml\" DESTINATION /etc/weir
      PERMISSIONS OWNER_READ OWNER_WRITE GROUP_READ)
  endif()")
install(DIRECTORY config/examples DESTINATION "${doc}")
install(FILES LICENSE RENAME copyright DESTINATION "${doc}")
install(DIRECTORY docs/ DESTINATION "${doc}" FILES_MATCHING PATTERN "*.md" PATTERN "*.json")

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME weir)
set(CPACK_PACKAGE_VERSION "${PROJECT_VERSION}")
set(CPACK_PACKAGE_CONTACT "Weir maintainers <maintainers@weir.invalid>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "network sensor against source code leaving for AI services")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS "systemd")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA
  "${PROJECT_SOURCE_DIR}/systemd/debian/postinst"
  "${PROJECT_SOURCE_DIR}/systemd/debian/prerm"
  "${PROJECT_SOURCE_DIR}/systemd/debian/postrm"
  "${PROJECT_SOURCE_DIR}/systemd/debian/conffiles")
include(CPack)
