# Warnings, sanitizers and definitions: link target quarry_options and get them all.
set(QUARRY_SANITIZE "" CACHE STRING "sanitizers to build with, e.g. address,undefined or thread")
option(QUARRY_WERROR "treat warnings as errors" OFF)
option(QUARRY_COVERAGE "instrument for gcov" OFF)
option(QUARRY_TESTS "build the tests" OFF)
option(QUARRY_TEST_EXTRACTORS "build extractors that misbehave on purpose, to test the sandbox" ${QUARRY_TESTS})

add_library(quarry_options INTERFACE)
target_include_directories(quarry_options INTERFACE ${CMAKE_SOURCE_DIR})
target_compile_definitions(quarry_options INTERFACE
  _GNU_SOURCE QUARRY_VERSION="${PROJECT_VERSION}")
target_compile_options(quarry_options INTERFACE
  -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes
  -Wvla -Wwrite-strings -Wformat=2 -Wno-format-truncation -fno-common -fstack-protector-strong)
if(QUARRY_WERROR)
  target_compile_options(quarry_options INTERFACE -Werror)
endif()
if(QUARRY_SANITIZE)
  target_compile_options(quarry_options INTERFACE -fsanitize=${QUARRY_SANITIZE} -fno-omit-frame-pointer -g)
  target_link_options(quarry_options INTERFACE -fsanitize=${QUARRY_SANITIZE})
  if(QUARRY_SANITIZE MATCHES "undefined")
    target_compile_options(quarry_options INTERFACE -fno-sanitize-recover=undefined)
  endif()
endif()
if(QUARRY_COVERAGE)
  target_compile_options(quarry_options INTERFACE --coverage -g)
  target_link_options(quarry_options INTERFACE --coverage)
endif()
