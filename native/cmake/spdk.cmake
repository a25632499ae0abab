# Finds an installed SPDK with pkg-config: in FERRITE_SPDK_ROOT (environment, or as last time), in PKG_CONFIG_PATH, or in the
# system. Ferrite neither builds nor ships SPDK. Gives FERRITE_SPDK (ON or OFF) and the target ferrite_spdk_libraries.
#
# SPDK's shared libraries register their modules in constructors and do not name all they need, so all are linked as
# needed or not, and spdk_syslibs as if statically. The directory of DPDK's libraries comes first, because spdk's files
# do not name it and another release of DPDK may be installed beside.
set(FERRITE_SPDK_MINIMUM 25.9)  # the first with enable_flush for NVMe
set(FERRITE_SPDK OFF)
set(ferrite_spdk_modules spdk_event_bdev spdk_bdev_modules spdk_sock_modules spdk_env_dpdk)

set(FERRITE_SPDK_ROOT "" CACHE PATH "Prefix that SPDK is installed in")
if(DEFINED ENV{FERRITE_SPDK_ROOT})
  set(FERRITE_SPDK_ROOT "$ENV{FERRITE_SPDK_ROOT}" CACHE PATH "Prefix that SPDK is installed in" FORCE)
endif()
if(NOT FERRITE_WITH_SPDK STREQUAL "OFF")
  find_package(PkgConfig QUIET)
endif()

function(ferrite_spdk_query out)
  execute_process(COMMAND ${PKG_CONFIG_EXECUTABLE} ${ARGN}
    OUTPUT_VARIABLE text ERROR_QUIET OUTPUT_STRIP_TRAILING_WHITESPACE RESULT_VARIABLE failed)
  if(failed)
    set(text "")
  endif()
  separate_arguments(text UNIX_COMMAND "${text}")
  set(${out} ${text} PARENT_SCOPE)
endfunction()

if(PKG_CONFIG_FOUND)
  set(ferrite_kept_path "$ENV{PKG_CONFIG_PATH}")
  if(FERRITE_SPDK_ROOT)
    set(ENV{PKG_CONFIG_PATH} "${FERRITE_SPDK_ROOT}/lib/pkgconfig:${ferrite_kept_path}")
  endif()
  ferrite_spdk_query(ferrite_spdk_cflags --cflags-only-I ${ferrite_spdk_modules})
  ferrite_spdk_query(ferrite_spdk_libs --libs ${ferrite_spdk_modules})
  ferrite_spdk_query(ferrite_spdk_syslibs --libs --static spdk_syslibs)
  ferrite_spdk_query(ferrite_spdk_libdir --libs-only-L spdk_event_bdev)
  ferrite_spdk_query(ferrite_dpdk_libdir --variable=libdir libdpdk)
  set(ENV{PKG_CONFIG_PATH} "${ferrite_kept_path}")
endif()

# The versions of pkg-config are those of the shared libraries; the release stands in a header.
set(FERRITE_SPDK_VERSION "")
if(ferrite_spdk_libs)
  list(TRANSFORM ferrite_spdk_libdir REPLACE "^-L" "")
  list(TRANSFORM ferrite_spdk_cflags REPLACE "^-I" "" OUTPUT_VARIABLE ferrite_spdk_include)
  find_file(FERRITE_SPDK_VERSION_HEADER spdk/version.h HINTS ${ferrite_spdk_include} NO_CACHE)
  if(FERRITE_SPDK_VERSION_HEADER)
    file(STRINGS ${FERRITE_SPDK_VERSION_HEADER} lines REGEX "define SPDK_VERSION_(MAJOR|MINOR)[ \t]")
    string(REGEX REPLACE ".*MAJOR[ \t]+([0-9]+).*MINOR[ \t]+([0-9]+).*" "\\1.\\2" FERRITE_SPDK_VERSION "${lines}")
  endif()
endif()
if(FERRITE_SPDK_VERSION VERSION_GREATER_EQUAL FERRITE_SPDK_MINIMUM)
  set(FERRITE_SPDK ON)
  add_library(ferrite_spdk_libraries INTERFACE)
  target_include_directories(ferrite_spdk_libraries SYSTEM INTERFACE ${ferrite_spdk_include})
  target_link_options(ferrite_spdk_libraries INTERFACE
    -L${ferrite_dpdk_libdir} -Wl,-rpath,$<JOIN:${ferrite_spdk_libdir},:>:${ferrite_dpdk_libdir})
  target_link_libraries(ferrite_spdk_libraries INTERFACE
    -Wl,--push-state,--no-as-needed ${ferrite_spdk_libs} ${ferrite_spdk_syslibs} -Wl,--pop-state)
  message(STATUS "ferrite: SPDK ${FERRITE_SPDK_VERSION} in ${ferrite_spdk_libdir}")
elseif(FERRITE_WITH_SPDK STREQUAL "ON")
  message(FATAL_ERROR "SPDK ${FERRITE_SPDK_MINIMUM} or later not found: set FERRITE_SPDK_ROOT to the prefix it is installed in")
else()
  message(STATUS "ferrite: no SPDK device (found '${FERRITE_SPDK_VERSION}'; FERRITE_SPDK_ROOT names an installed SPDK)")
endif()
