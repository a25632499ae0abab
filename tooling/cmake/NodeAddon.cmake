# ferrite_add_node_addon(NAME SOURCES file... CORES target...)
#
# One .node file: thin glue over C++ cores that know nothing of Node; call it after add_subdirectory(native). Run by
# cmake-js, which names the Node-API headers in CMAKE_JS_INC and the output folder. Every symbol but the module's
# registration stays hidden, so that two addons holding the same core never share its statics.
execute_process(COMMAND node -p "process.execPath" OUTPUT_VARIABLE FERRITE_NODE OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
if(FERRITE_NODE)
  get_filename_component(FERRITE_NODE_DIR ${FERRITE_NODE} DIRECTORY)
endif()
find_path(FERRITE_UV_INCLUDE uv.h HINTS ${FERRITE_NODE_DIR}/../include/node)
message(STATUS "ferrite: uv.h ${FERRITE_UV_INCLUDE}")

set(FERRITE_ROOT ${CMAKE_CURRENT_LIST_DIR}/../..)

function(ferrite_add_node_addon name)
  cmake_parse_arguments(PARSE_ARGV 1 ADDON "" "" "SOURCES;CORES")

  add_library(${name} SHARED ${ADDON_SOURCES} ${CMAKE_JS_SRC})
  ferrite_strict(${name})
  set_target_properties(${name} PROPERTIES PREFIX "" SUFFIX ".node")
  target_include_directories(${name} SYSTEM PRIVATE ${CMAKE_JS_INC})
  target_include_directories(${name} PRIVATE ${FERRITE_ROOT}/native/napi/include)
  # A terminated worker can throw nothing any more; without the last definition node-addon-api ends the process then.
  target_compile_definitions(${name} PRIVATE
    NAPI_VERSION=9 NAPI_DISABLE_CPP_EXCEPTIONS NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS)
  target_link_libraries(${name} PRIVATE ${ADDON_CORES} ${CMAKE_JS_LIB})
  # libuv's own header lies beside Node's; Node exports its functions. Without it an addon has no event loop to watch in.
  if(FERRITE_UV_INCLUDE)
    target_compile_definitions(${name} PRIVATE FERRITE_UV=1)
    target_compile_options(${name} PRIVATE "SHELL:-idirafter ${FERRITE_UV_INCLUDE}")
  else()
    target_compile_definitions(${name} PRIVATE FERRITE_UV=0)
  endif()
  target_link_options(${name} PRIVATE -Wl,--exclude-libs,ALL)
endfunction()
