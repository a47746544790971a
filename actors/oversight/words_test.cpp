#include "actors/oversight/statements.hpp"
#include "actors/oversight/unicode.hpp"
#include "actors/oversight/words.hpp"

#include <gtest/gtest.h>

#include <random>
#include <set>

namespace mycelium::oversight {
namespace {

using list = std::vector<std::string>;

lower_text lowered(std::string_view text) {
  lower_text out;
  out.assign(text);
  return out;
}

list words(std::string_view text) {
  const auto lower = lowered(text);
  list out;
  std::size_t at = 0;
  for (auto word = lower.next_word(at); !word.empty(); word = lower.next_word(at))
    out.emplace_back(word);
  return out;
}

list pieces(std::string_view text) {
  const auto lower = lowered(text);
  list out;
  std::size_t at = 0;
  for (auto piece = lower.next_piece(at); !piece.empty(); piece = lower.next_piece(at))
    out.emplace_back(piece);
  return out;
}

TEST(words, are_letters_and_digits_in_lower_case) {
  EXPECT_EQ(words("What color is the SKY?"), (list{"what", "color", "is", "the", "sky"}));
  EXPECT_EQ(words("  8,848m -- B2B\t(it's)\n"), (list{"8", "848m", "b2b", "it", "s"}));
  EXPECT_EQ(words(""), list{});
  EXPECT_EQ(words(" ?!-"), list{});
  EXPECT_EQ(words("ABCDEFGHIJKLMNOPQRSTUVWXYZ[`@{"), list{"abcdefghijklmnopqrstuvwxyz"});
}

TEST(words, are_those_of_every_script) {
  EXPECT_EQ(words("ÄRGER straße ΣΊΣΥΦΟΣ"), (list{"ärger", "straße", "σίσυφοσ"}));
  EXPECT_EQ(words("Привет, МИР"), (list{"привет", "мир"}));
  EXPECT_EQ(words("हिन्दी में"), (list{"हिन्दी", "में"})); // vowel signs belong to their letters
  EXPECT_EQ(words("東京は晴れ"), (list{"東", "京", "は", "晴", "れ"}));
  EXPECT_EQ(words("naïve—café x²"), (list{"naïve", "café", "x²"}));
  EXPECT_EQ(words("\U00010400a"), list{"\U00010428a"});
  EXPECT_EQ(words("カメラ中"), (list{"カメラ", "中"}));
}

TEST(words, bytes_that_are_no_text_separate_them) {
  EXPECT_EQ(words("ab\xff"
                  "cd\xc3"),
            (list{"ab", "cd"}));
  EXPECT_EQ(words(std::string_view("a\0b", 3)), (list{"a", "b"}));
  EXPECT_EQ(words("\xc0\xaf\xed\xa0\x80\xf4\x90\x80\x80x"), list{"x"}); // too long, a surrogate, beyond the last plane
}

TEST(words, pieces_are_what_white_space_leaves) {
  EXPECT_EQ(pieces("The sky?\tIt's\u00a0blue.\u3000"), (list{"the", "sky?", "it's", "blue."}));
  EXPECT_EQ(pieces(" \n "), list{});
  EXPECT_EQ(pieces("\xff\xfe a"), (list{"\ufffd\ufffd", "a"}));
}

TEST(words, a_long_word_of_another_script_takes_no_stack) {
  std::string text;
  for (int i = 0; i < 500000; ++i)
    text += "ж";
  EXPECT_EQ(words(text), list{text});
  EXPECT_EQ(pieces(text), list{text});
}

// Any bytes: words and pieces tile the text in order, and a buffer that was longer before changes nothing.
TEST(words, any_bytes_are_read_in_order) {
  std::mt19937_64 random(5);
  lower_text reused;
  for (int round = 0; round < 3000; ++round) {
    std::string text(random() % 40, ' ');
    for (auto& each : text)
      each = static_cast<char>(random() % 3 == 0 ? random() : 'a' + random() % 26);
    reused.assign(text);
    const auto fresh = lowered(text);
    ASSERT_EQ(reused.view(), fresh.view());
    std::size_t at = 0;
    std::size_t before = 0;
    for (auto word = reused.next_word(at); !word.empty(); word = reused.next_word(at)) {
      const auto begin = std::size_t(word.data() - reused.view().data());
      ASSERT_GE(begin, before);
      ASSERT_EQ(at, begin + word.size());
      ASSERT_LE(at, reused.view().size());
      before = at;
    }
  }
}

TEST(word_sets, count_as_sets_do) {
  std::mt19937_64 random(7);
  word_sets sets;
  for (int round = 0; round < 300; ++round) {
    std::string text;
    for (auto count = random() % 200; count > 0; --count)
      text += std::string(random() % 20 + 1, static_cast<char>('a' + random() % 4)) + " ";
    const auto all = lowered(text);
    std::set<std::string> first;
    std::set<std::string> second;
    sets.clear();
    std::size_t at = 0;
    for (auto word = all.next_word(at); !word.empty(); word = all.next_word(at))
      if (random() % 2 == 0) {
        sets.add_first(word);
        first.emplace(word);
      } else {
        sets.add_second(word);
        second.emplace(word);
      }
    list both;
    std::set_intersection(first.begin(), first.end(), second.begin(), second.end(), std::back_inserter(both));
    ASSERT_EQ(sets.first(), first.size());
    ASSERT_EQ(sets.second(), second.size());
    ASSERT_EQ(sets.both(), both.size());
    const auto shared = sets.shared();
    ASSERT_EQ(std::set<std::string>(shared.begin(), shared.end()), std::set<std::string>(both.begin(), both.end()));
  }
}

mismatch_kind kind_of(std::string_view known, std::string_view stated) {
  return find_mismatch(lowered(known), lowered(stated)).kind;
}

TEST(statements, a_denial_contradicts) {
  constexpr auto denial = mismatch_kind::negation;
  EXPECT_EQ(kind_of("The sky is blue.", "The sky is not blue."), denial);
  EXPECT_EQ(kind_of("The sky isn't blue.", "The sky is blue."), denial);
  EXPECT_EQ(kind_of("The sky isn\u2019t blue.", "The sky is blue."), denial);
  EXPECT_EQ(kind_of("Water boils. Paris is the capital of France.", "Paris was never the capital of France!"), denial);
  EXPECT_EQ(kind_of("The sky is blue.", "The sky is blue."), mismatch_kind::none);
  EXPECT_EQ(kind_of("The sky is not blue.", "The sky isn't blue."), mismatch_kind::none);
  EXPECT_EQ(kind_of("Nobody never lies.", "Nobody lies."), denial);
  EXPECT_EQ(kind_of("Birds can fly.", "Birds can't fly."), denial);
  EXPECT_EQ(kind_of("Fish breathe. Birds fly.", "Birds don't fly."), denial);
  EXPECT_EQ(kind_of("Birds can fly.", "Fish can't fly."), mismatch_kind::none);
}

TEST(statements, another_number_contradicts) {
  constexpr auto other = mismatch_kind::number;
  EXPECT_EQ(kind_of("Everest is 8848 m high.", "Everest is 9000 m high."), other);
  EXPECT_EQ(kind_of("Everest is 8,848 m high.", "Everest is 8848.0m high."), mismatch_kind::none);
  EXPECT_EQ(kind_of("It is -5 degrees.", "It is 5 degrees."), other);
  EXPECT_EQ(kind_of("Pi is 3.14.", "Pi is 3.15."), other);
  EXPECT_EQ(kind_of("Pi is 3,14.", "Pi is 3.140."), mismatch_kind::none);
  EXPECT_EQ(kind_of("It began in 1.234.567 places.", "It began in 1,234,567 places."), mismatch_kind::none);
  EXPECT_EQ(kind_of("It was the 1st of May.", "It was the 2nd of May."), mismatch_kind::none); // "st" is another word
  EXPECT_EQ(kind_of("In 1953 Everest was climbed.", "On 29 May 1953 Everest was climbed."), mismatch_kind::none);
  EXPECT_EQ(kind_of("Everest is 8848 m high.", "Everest is not 9000 m high."), mismatch_kind::none);
  EXPECT_EQ(kind_of("Version 007.", "Version 7."), mismatch_kind::none);
}

TEST(statements, of_something_else_contradict_nothing) {
  EXPECT_EQ(kind_of("The sky is blue.", "The sky is not green."), mismatch_kind::none);
  EXPECT_EQ(kind_of("Everest is 8848 m high.", "K2 is 8611 m high."), mismatch_kind::none);
  EXPECT_EQ(kind_of("Is the sky blue?", "The sky is not blue."), mismatch_kind::none);
  EXPECT_EQ(kind_of("", "No."), mismatch_kind::none);
  EXPECT_EQ(kind_of("8848", "9000"), mismatch_kind::none);
}

TEST(statements, the_sentences_and_numbers_are_named) {
  const auto known = lowered("It is cold. Everest is 8,848 m high.");
  const auto stated = lowered("Everest is -9.5 m high!");
  const auto found = find_mismatch(known, stated);
  EXPECT_EQ(found.known, "everest is 8,848 m high.");
  EXPECT_EQ(found.stated, "everest is -9.5 m high!");
  EXPECT_EQ(found.known_number, "8,848");
  EXPECT_EQ(found.stated_number, "-9.5");
}

TEST(statements, large_texts_are_bounded) {
  std::string text;
  for (int i = 0; i < 50000; ++i)
    text += "no one has " + std::to_string(i) + " of word" + std::to_string(i % 70) + ". ";
  const auto lower = lowered(text);
  EXPECT_NO_THROW(static_cast<void>(find_mismatch(lower, lower)));
  const auto digits = lowered(std::string(1 << 20, '1'));
  EXPECT_EQ(find_mismatch(digits, digits).kind, mismatch_kind::none);
  const auto points = lowered("x " + std::string(1000, '.') + "1.1.1.1,,1");
  EXPECT_EQ(find_mismatch(points, points).kind, mismatch_kind::none);
}

TEST(unicode, characters_are_read_as_written) {
  for (const char32_t code : {U'\0', U'a', U'\u0080', U'\u07ff', U'\u0800', U'\uffff', U'\U00010000', U'\U0010ffff'}) {
    std::string text;
    append_character(text, code);
    const auto found = first_character(text);
    EXPECT_EQ(found.code, code);
    EXPECT_EQ(found.size, text.size());
    if (text.size() > 1) {
      const auto cut = first_character(std::string_view(text).substr(0, text.size() - 1));
      EXPECT_EQ(cut.code, U'\ufffd');
      EXPECT_EQ(cut.size, 1u);
    }
  }
  EXPECT_EQ(lower_case(U'\u0130'), U'i');
  EXPECT_EQ(lower_case(U'\u03c2'), U'\u03c3');
  EXPECT_EQ(lower_case(U'\u212a'), U'k');
}

} // namespace
} // namespace mycelium::oversight
