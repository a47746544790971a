// One TOML file being read: its table, and errors that name the file, the line and the key.
#pragma once

#include "schema/status.hpp"

#include <initializer_list>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

// Version 3.3 of toml++ runs on into assertions after some errors: without exceptions always, with them in places.
[[noreturn]] inline void refuse_text() { throw std::logic_error("unexpected text"); }
#define TOML_EXCEPTIONS 1
#define TOML_ASSERT(expression) ((expression) ? void() : refuse_text())
#include <toml++/toml.h>

namespace mycelium::bridge {

// A path that stands in a file is relative to that file.
std::string beside(const std::string& file, const std::string& path);

class toml_file {
public:
  // topology: the text is no TOML, or not ASCII outside of comments. path is for errors.
  static result<toml_file> parse(std::string_view text, const std::string& path);

  const std::string& path() const noexcept { return path_; }
  const toml::table& table() const noexcept { return table_; }
  failure wrong(const toml::source_region& where, const std::string& what) const;

  // A misspelt key would otherwise be a setting that is silently not there.
  result<void> only(const toml::table& table, std::initializer_list<std::string_view> keys) const;
  // "" where the key is missing, and may be.
  result<std::string> text(const toml::table& table, std::string_view key, bool required) const;
  // One text, or an array of them; none where the key is missing.
  result<std::vector<std::string>> texts(const toml::table& table, std::string_view key) const;
  // Of a file that can be opened, beside this one; "" where the key is missing.
  result<std::string> readable(const toml::table& table, std::string_view key) const;

private:
  toml_file(std::string path, toml::table table) : path_(std::move(path)), table_(std::move(table)) {}

  std::string path_;
  toml::table table_;
};

} // namespace mycelium::bridge
