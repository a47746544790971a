# cmake -D INPUT=file -D OUTPUT=file.cpp -D HEADER=include -D NAME=function -P embed.cmake
# Writes a function of namespace mycelium::schema that returns the bytes of a file.
file(READ "${INPUT}" hex HEX)
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
string(REGEX REPLACE "(0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,)" "\\1\n" bytes "${bytes}")
file(WRITE "${OUTPUT}" "#include \"${HEADER}\"

namespace mycelium::schema {
namespace {

constexpr std::uint8_t content[] = {
${bytes}};

} // namespace

bytes ${NAME}() noexcept { return content; }

} // namespace mycelium::schema
")
