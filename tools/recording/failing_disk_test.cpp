// A disk that is full, a limit that is reached, a process that is killed: what was written before stays.
#include "tools/recording/samples.hpp"

#include <csignal>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace mycelium::recording {
namespace {

using namespace testing;

// No file of this process may grow beyond so many bytes while this lives.
class file_size_limit {
public:
  explicit file_size_limit(rlim_t most) {
    getrlimit(RLIMIT_FSIZE, &before_);
    old_ = std::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{most, before_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~file_size_limit() {
    setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, old_);
  }
  file_size_limit(const file_size_limit&) = delete;
  file_size_limit& operator=(const file_size_limit&) = delete;

private:
  rlimit before_{};
  void (*old_)(int) = nullptr;
};

TEST(failing_disk, a_full_device_is_named_with_the_reason) {
  const auto writer = recording_writer::create("/dev/full", {.file = {.overwrite = true}});
  ASSERT_FALSE(writer);
  EXPECT_NE(writer.error().text.find("/dev/full"), std::string::npos);
  EXPECT_NE(writer.error().text.find("No space left on device"), std::string::npos);
  EXPECT_NE(writer.error().text.find("Make room"), std::string::npos);
}

TEST(failing_disk, what_does_not_fit_is_cut_off_and_the_file_ended_before_it) {
  const folder here;
  const auto path = here / "a.mcap";
  std::vector<message> written;
  {
    const file_size_limit limit(40'000);
    auto writer = new_writer(path, {.chunk_size = 10'000});
    result<void> added;
    for (std::uint64_t i = 1; added; ++i) {
      ASSERT_LT(i, 10'000U);
      auto each = small(60000, i);
      added = writer.add(each.with_payload());
      written.push_back(std::move(each));
    }
    EXPECT_NE(added.error().text.find(path), std::string::npos);
    EXPECT_NE(added.error().text.find("File too large"), std::string::npos);
    EXPECT_TRUE(writer.finish()); // there is room for the end, where the chunk did not fit
    written.resize(static_cast<std::size_t>(writer.messages()));
  }
  auto opened = recording_reader::open(path);
  ASSERT_TRUE(opened);
  EXPECT_TRUE(opened->contents().ended);
  const auto all = read_all(*opened);
  EXPECT_TRUE(all.damage.empty());
  ASSERT_GT(written.size(), 100U);
  ASSERT_EQ(all.messages.size(), written.size());
  for (std::size_t i = 0; i < written.size(); ++i)
    EXPECT_TRUE(same(written[i].with_payload(), all.messages[i].with_payload()));
}

// Records 100 messages, has room for so many bytes more, and ends. What the file then has is in `opened`.
void end_with_room_for(rlim_t room, const std::string& path, result<recording_reader>& opened) {
  std::uint64_t size = 0;
  {
    auto writer = new_writer(path, {.chunk_size = 1});
    for (std::uint64_t i = 1; i <= 100; ++i)
      ASSERT_TRUE(writer.add(small(60000, i).with_payload()));
    size = writer.size();
    const file_size_limit limit(size + room);
    const auto ended = writer.finish();
    ASSERT_FALSE(ended); // whatever could be saved
    EXPECT_NE(ended.error().text.find("after " + std::to_string(size) + " bytes"), std::string::npos);
  }
  opened = recording_reader::open(path);
  ASSERT_TRUE(opened);
  EXPECT_GE(opened->contents().size, size);
  const auto all = read_all(*opened);
  EXPECT_TRUE(all.damage.empty());
  EXPECT_EQ(all.messages.size(), 100U);
}

TEST(failing_disk, without_room_for_the_summary_the_file_ends_without_one) {
  const folder here;
  result<recording_reader> opened = failure{};
  end_with_room_for(100, here / "a.mcap", opened);
  EXPECT_TRUE(opened->contents().ended);
  EXPECT_FALSE(opened->contents().has_summary);
}

TEST(failing_disk, without_room_for_the_end_the_file_is_cut_behind_its_last_chunk) {
  const folder here;
  result<recording_reader> opened = failure{};
  end_with_room_for(20, here / "a.mcap", opened);
  EXPECT_FALSE(opened->contents().ended);
  EXPECT_EQ(opened->contents().readable, opened->contents().size);
}

TEST(failing_disk, a_file_that_exists_is_left_alone_unless_asked) {
  const folder here;
  write_file(here / "a.mcap", to_payload("precious"));
  const auto refused = recording_writer::create(here / "a.mcap", {});
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().text.find("exists already"), std::string::npos);
  EXPECT_EQ(content_of(here / "a.mcap"), to_payload("precious"));
}

TEST(failing_disk, a_folder_that_is_missing_is_named) {
  const folder here;
  const auto refused = recording_writer::create(here / "none/a.mcap", {});
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().text.find("none/a.mcap cannot be created: No such file"), std::string::npos);
}

// The child says after each message how many it has handed over and how many its chunks hold; it is killed at some
// point.
TEST(killed, a_recording_has_everything_but_its_last_chunk) {
  const folder here;
  for (const std::uint64_t patience : {1U, 50U, 500U, 3000U}) {
    const auto path = here / ("killed-" + std::to_string(patience) + ".mcap");
    std::array<int, 2> ends{};
    ASSERT_EQ(::pipe(ends.data()), 0);
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      auto writer = new_writer(path, {.chunk_size = 2000});
      for (std::uint64_t i = 1;; ++i) {
        static_cast<void>(writer.add(small(60000, i).with_payload()));
        const std::array<std::uint64_t, 2> state{i, writer.messages()};
        if (::write(ends[1], state.data(), sizeof state) < 0)
          ::_exit(1);
      }
    }
    ::close(ends[1]);
    std::array<std::uint64_t, 2> state{};
    while (state[0] < patience)
      ASSERT_EQ(::read(ends[0], state.data(), sizeof state), static_cast<ssize_t>(sizeof state));
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    // What it said until it died.
    for (auto last = state; ::read(ends[0], last.data(), sizeof last) == static_cast<ssize_t>(sizeof last);)
      state = last;
    ::close(ends[0]);

    auto opened = recording_reader::open(path);
    ASSERT_TRUE(opened) << opened.error().text;
    EXPECT_FALSE(opened->contents().ended);
    const auto all = read_all(*opened);
    EXPECT_TRUE(all.damage.empty());
    EXPECT_GE(all.messages.size(), state[1]);
    EXPECT_EQ(all.without_envelope, 0U);
    for (std::size_t i = 0; i < all.messages.size(); ++i)
      ASSERT_TRUE(same(small(60000, i + 1).with_payload(), all.messages[i].with_payload()));
    // A message takes 40 bytes at least: no more than this many wait for a chunk of 2000 bytes.
    EXPECT_LE(state[0] - std::min(state[0], state[1]), 50U) << "more than a chunk was not written";
  }
}

} // namespace
} // namespace mycelium::recording
