// Where sentences end, as far as releasing whole ones needs it. Not for linguistics.
#pragma once

#include <string_view>

namespace mycelium::oversight {

enum class sentence_part {
  nothing, // only spaces, quotes and brackets: the state stays as it was
  middle,
  end // the last mark is one of . ! ? ... and their full-width forms, or the token ends a line
};

sentence_part sentence_part_of(std::string_view token) noexcept;

} // namespace mycelium::oversight
