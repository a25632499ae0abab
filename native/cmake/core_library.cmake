# ferrite_core_library(NAME SOURCES file... [DEPENDS target...]): one static core with its include/ folder public.

# Strict warnings, no exceptions, no RTTI, hidden symbols, and the chosen sanitizers.
function(ferrite_strict target)
  set_target_properties(${target} PROPERTIES
    CXX_STANDARD 20
    CXX_STANDARD_REQUIRED ON
    CXX_EXTENSIONS OFF
    CXX_VISIBILITY_PRESET hidden
    VISIBILITY_INLINES_HIDDEN ON
    POSITION_INDEPENDENT_CODE ON)
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wconversion -Werror -fno-exceptions -fno-rtti)
  if(FERRITE_SANITIZE)
    target_compile_options(${target} PRIVATE
      -fsanitize=${FERRITE_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
    target_link_options(${target} PUBLIC -fsanitize=${FERRITE_SANITIZE})
  endif()
  if(FERRITE_FUZZ)
    target_compile_options(${target} PRIVATE -fsanitize=fuzzer-no-link)
  endif()
endfunction()

function(ferrite_core_library name)
  cmake_parse_arguments(PARSE_ARGV 1 CORE "" "" "SOURCES;DEPENDS")
  add_library(${name} STATIC ${CORE_SOURCES})
  ferrite_strict(${name})
  target_include_directories(${name} PUBLIC ${CMAKE_CURRENT_SOURCE_DIR}/include)
  target_link_libraries(${name} PUBLIC ${CORE_DEPENDS})
endfunction()
