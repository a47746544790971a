# cmake -D INPUT=file -D OUTPUT=file.cpp -D HEADER=include -D NAMESPACE=name -D NAME=function -P embed.cmake
# Writes a function that returns the bytes of a file.
file(READ "${INPUT}" hex HEX)
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
string(REGEX REPLACE "(0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,)" "\\1\n" bytes "${bytes}")
file(WRITE "${OUTPUT}" "#include \"${HEADER}\"

namespace ${NAMESPACE} {
namespace {

constexpr std::uint8_t content[] = {
${bytes}};

} // namespace

std::span<const std::uint8_t> ${NAME}() noexcept { return content; }

} // namespace ${NAMESPACE}
")
