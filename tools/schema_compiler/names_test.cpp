// Generated C++ whose schema uses C++'s words, every kind of reference and the global name space. Most of the test is
// that it compiles, without a warning.
#include "names.hpp" // written by mycelium schema compile when this is built

#include <gtest/gtest.h>

namespace {

namespace generated = names::class_::default_;
namespace other = names::other;

TEST(generated_names, words_that_are_taken_get_an_underscore) {
  const generated::virtual_ message{.encode_ = "e",
                                    .decode_ = "d",
                                    .topic_ = generated::register_{.type_id_ = 1},
                                    .topic__ = {{.wire_size_ = 2, .operator_ = generated::new_::delete_}}};
  const auto read = generated::virtual_::decode(message.encode());
  EXPECT_EQ(read, message);
  EXPECT_EQ(read->type_id_, generated::new_::auto_);
  EXPECT_EQ(generated::virtual_::type_id, 60000);
  EXPECT_EQ(generated::virtual_::topic, "quote \" backslash \\ tab \t \?\?/ \xc3\xa9");
  EXPECT_EQ(generated::virtual_::type_name, "names.class.default.virtual");
}

TEST(generated_names, types_that_hold_each_other_are_values) {
  other::Recursive root;
  root.me = other::Recursive{};
  root.us.resize(2);
  root.us[1].other.emplace();
  root.us[1].other->must.x = 5;
  root.us[1].other->any.emplace<1>(other::Leaf{.x = 6});
  generated::virtual_ message{};
  message.in = root;
  const auto copy = message;
  message.in->us[1].other->must.x = 7;
  EXPECT_NE(copy, message);
  EXPECT_EQ(generated::virtual_::decode(copy.encode()), copy);
  EXPECT_EQ(generated::virtual_::decode(message.encode())->in->us[1].other->must.x, 7);
}

TEST(generated_names, encoding_without_a_required_union_throws) {
  generated::virtual_ message{};
  message.in.emplace().other.emplace();
  EXPECT_THROW(static_cast<void>(message.encode()), std::invalid_argument);
}

TEST(generated_names, global_name_space_works) {
  Global message{.global = 1, .leaf = other::Leaf{.x = 2}};
  message.any.emplace<4>(other::Leaf{.x = 3});
  EXPECT_EQ(Global::decode(message.encode()), message);
}

} // namespace
