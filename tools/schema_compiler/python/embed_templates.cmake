# cmake -D OUTPUT=file.cpp -D FOLDER=dir -D "MODULES=a.py;b.py" -P embed_templates.cmake
set(text "#include \"tools/schema_compiler/python/templates.hpp\"\n\nnamespace mycelium::schema_compiler {\n\n")
string(APPEND text "std::span<const python_template> python_templates() {\n  static constexpr python_template all[] = {\n")
foreach(module IN LISTS MODULES)
  file(READ "${FOLDER}/${module}" content)
  string(APPEND text "{\"${module}\", R\"__python__(${content})__python__\"},\n")
endforeach()
string(APPEND text "};\n  return all;\n}\n\n} // namespace mycelium::schema_compiler\n")
file(WRITE "${OUTPUT}" "${text}")
