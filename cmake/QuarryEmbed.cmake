# quarry_proto(TARGET FILE...): C from .proto files, by protobuf-c, in the build tree.
# Sources include them as "quarry/v1/fleet.pb-c.h".
function(quarry_proto target)
  set(out ${CMAKE_BINARY_DIR}/proto)
  set(sources)
  foreach(file IN LISTS ARGN)
    string(REGEX REPLACE "\\.proto$" "" stem ${file})
    add_custom_command(
      OUTPUT ${out}/${stem}.pb-c.c ${out}/${stem}.pb-c.h
      COMMAND ${CMAKE_COMMAND} -E make_directory ${out}
      COMMAND ${PROTOC_C} --c_out=${out} -I ${CMAKE_CURRENT_SOURCE_DIR} ${CMAKE_CURRENT_SOURCE_DIR}/${file}
      DEPENDS ${file} VERBATIM)
    list(APPEND sources ${out}/${stem}.pb-c.c ${out}/${stem}.pb-c.h)
  endforeach()
  add_library(${target} STATIC ${sources})
  target_include_directories(${target} SYSTEM PUBLIC ${out})
  target_link_libraries(${target} PUBLIC PkgConfig::PROTOBUF_C)
  if(QUARRY_SANITIZE)
    target_compile_options(${target} PRIVATE -fsanitize=${QUARRY_SANITIZE} -g)
  endif()
endfunction()

# quarry_embed(TARGET HEADER PREFIX FILE...): text files as C string constants.
# a/b/lease_claim.sql becomes `static const char PREFIX_lease_claim[]` in the generated HEADER;
# PREFIX_table[] lists {name, text} of all in the order given.
function(quarry_embed target header prefix)
  set(out ${CMAKE_CURRENT_BINARY_DIR}/embed)
  set(files)
  foreach(file IN LISTS ARGN)
    list(APPEND files ${CMAKE_CURRENT_SOURCE_DIR}/${file})
  endforeach()
  string(REPLACE ";" "|" joined "${files}")
  add_custom_command(
    OUTPUT ${out}/${header}
    COMMAND ${CMAKE_COMMAND} -DOUT=${out}/${header} -DPREFIX=${prefix} "-DFILES=${joined}"
            -P ${CMAKE_SOURCE_DIR}/cmake/embed.cmake
    DEPENDS ${files} ${CMAKE_SOURCE_DIR}/cmake/embed.cmake VERBATIM)
  target_sources(${target} PRIVATE ${out}/${header})
  target_include_directories(${target} PRIVATE ${out})
endfunction()
