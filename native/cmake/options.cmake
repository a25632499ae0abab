# Build choices and what this machine offers.
set(FERRITE_SANITIZE "" CACHE STRING "Sanitizers for every core and test, as in -fsanitize=")
option(FERRITE_FUZZ "Build the libFuzzer targets (clang only)" OFF)
set(FERRITE_WITH_URING AUTO CACHE STRING "io_uring device: AUTO, ON or OFF")

set(FERRITE_WITH_SPDK AUTO CACHE STRING "SPDK device, from an installed SPDK: AUTO, ON or OFF")

if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE RelWithDebInfo)
endif()

find_package(Threads REQUIRED)

find_path(XXHASH_INCLUDE_DIR xxhash.h REQUIRED)
find_path(LIBURING_INCLUDE_DIR liburing.h)
find_library(LIBURING_LIBRARY NAMES liburing.a)
if(FERRITE_WITH_URING STREQUAL "OFF")
  set(FERRITE_URING OFF)
elseif(LIBURING_INCLUDE_DIR AND LIBURING_LIBRARY)
  set(FERRITE_URING ON)
elseif(FERRITE_WITH_URING STREQUAL "ON")
  message(FATAL_ERROR "liburing (header and static library) not found: apt install liburing-dev")
else()
  set(FERRITE_URING OFF)
endif()
include(spdk)
message(STATUS "ferrite: io_uring device ${FERRITE_URING}, sanitizers '${FERRITE_SANITIZE}'")
