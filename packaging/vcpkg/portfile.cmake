# Untried: an overlay port (vcpkg install --overlay-ports=packaging/vcpkg libbge). Rust comes from the machine.
find_program(CARGO cargo REQUIRED)
vcpkg_from_github(
  OUT_SOURCE_PATH SOURCE_PATH
  REPO libbge/libbge
  REF "v${VERSION}"
  SHA512 0 # that of the release's source archive
  HEAD_REF main
)

vcpkg_execute_required_process(
  COMMAND "${CMAKE_COMMAND}" -E env "CARGO_TARGET_DIR=${CURRENT_BUILDTREES_DIR}/target"
    make install "CARGO=${CARGO}" "PREFIX=${CURRENT_PACKAGES_DIR}" RELOCATABLE=1
  WORKING_DIRECTORY "${SOURCE_PATH}"
  LOGNAME "install-${TARGET_TRIPLET}"
)

file(MAKE_DIRECTORY "${CURRENT_PACKAGES_DIR}/tools/${PORT}")
file(RENAME "${CURRENT_PACKAGES_DIR}/bin/bge" "${CURRENT_PACKAGES_DIR}/tools/${PORT}/bge")
file(RENAME "${CURRENT_PACKAGES_DIR}/bin/bge-sandbox" "${CURRENT_PACKAGES_DIR}/tools/${PORT}/bge-sandbox")
file(REMOVE_RECURSE "${CURRENT_PACKAGES_DIR}/bin")
if(VCPKG_LIBRARY_LINKAGE STREQUAL "static")
  file(GLOB SHARED "${CURRENT_PACKAGES_DIR}/lib/libbge.so*")
  file(REMOVE ${SHARED})
endif()
vcpkg_cmake_config_fixup(PACKAGE_NAME bge CONFIG_PATH lib/cmake/bge)
vcpkg_fixup_pkgconfig()
vcpkg_install_copyright(FILE_LIST "${SOURCE_PATH}/LICENSE-MIT" "${SOURCE_PATH}/LICENSE-APACHE")
