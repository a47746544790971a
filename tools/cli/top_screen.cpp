#include "tools/cli/top_screen.hpp"

#include <algorithm>
#include <array>

namespace mycelium::cli {
namespace {

constexpr std::array titles{"overview", "nodes", "links", "types", "subscriptions"};
constexpr std::size_t rows_at_once = 10; // that page up and page down move by

std::string whole(std::uint64_t value) { return short_number(static_cast<double>(value)); }

// A row with what its columns are sorted by: texts as they are, numbers as their value.
struct cells {
  std::vector<std::string> texts;
  std::vector<double> values; // 0 for a text
  void text(const std::string& of) {
    texts.push_back(printable(of));
    values.push_back(0);
  }
  void number(std::string shown, double value) {
    texts.push_back(std::move(shown));
    values.push_back(value);
  }
  void count(std::uint64_t value) { number(whole(value), static_cast<double>(value)); }
  void rate(double value) { number(short_number(value), value); }
};

using columns = std::vector<text_table::column>;

std::pair<columns, std::vector<cells>> nodes_of(const mesh_view& view) {
  std::pair<columns, std::vector<cells>> out{{{"NODE"},
                                              {"HOST"},
                                              {"PID", true},
                                              {"UP", true},
                                              {"PUB/s", true},
                                              {"B/s", true},
                                              {"ARRIV/s", true},
                                              {"DELIV/s", true},
                                              {"DROPPED", true},
                                              {"LOST", true},
                                              {"ERRORS", true},
                                              {"LINKS", true}},
                                             {}};
  for (const auto& n : view.nodes) {
    auto& row = out.second.emplace_back();
    row.text(n.name);
    row.text(n.reports ? n.host : "(does not report)");
    row.number(n.reports ? std::to_string(n.process) : "-", static_cast<double>(n.process));
    row.number(n.reports ? short_time(n.uptime_s) : "-", n.uptime_s);
    row.rate(n.published_per_s);
    row.rate(n.published_bytes_per_s);
    row.rate(n.arrived_per_s);
    row.rate(n.delivered_per_s);
    row.count(n.dropped);
    row.count(n.lost);
    row.count(n.handler_errors);
    row.count(n.neighbours.size());
  }
  return out;
}

std::pair<columns, std::vector<cells>> links_of(const mesh_view& view) {
  std::pair<columns, std::vector<cells>> out{{{"FROM"},
                                              {"TO"},
                                              {"ADDRESS"},
                                              {"SENT/s", true},
                                              {"B/s", true},
                                              {"RECV/s", true},
                                              {"WAITING", true},
                                              {"UNACKED B", true},
                                              {"CREDIT B", true},
                                              {"DROPPED", true},
                                              {"LOST", true}},
                                             {}};
  for (const auto& l : view.links) {
    auto& row = out.second.emplace_back();
    row.text(l.node_name);
    row.text(l.to_name);
    row.text(l.address.empty() ? "(cut)" : l.address);
    row.rate(l.sent_per_s);
    row.rate(l.sent_bytes_per_s);
    row.rate(l.received_per_s);
    row.count(l.waiting);
    row.count(l.unacknowledged_bytes);
    row.count(l.credit);
    row.count(l.dropped);
    row.count(l.lost);
  }
  return out;
}

std::pair<columns, std::vector<cells>> types_of(const mesh_view& view) {
  std::pair<columns, std::vector<cells>> out{{{"TYPE"},
                                              {"ID", true},
                                              {"NODE"},
                                              {"PUB/s", true},
                                              {"B/s", true},
                                              {"PUBLISHED", true},
                                              {"ARRIVED/s", true},
                                              {"ARRIVED", true}},
                                             {}};
  for (const auto& t : view.types) {
    auto& row = out.second.emplace_back();
    row.text(t.type);
    row.number(std::to_string(t.type_id), t.type_id);
    row.text(t.node_name);
    row.rate(t.published_per_s);
    row.rate(t.published_bytes_per_s);
    row.count(t.published);
    row.rate(t.arrived_per_s);
    row.count(t.arrived);
  }
  return out;
}

std::pair<columns, std::vector<cells>> subscriptions_of(const mesh_view& view) {
  std::pair<columns, std::vector<cells>> out{{{"SUBSCRIPTION"},
                                              {"NODE"},
                                              {"TYPE"},
                                              {"DELIV/s", true},
                                              {"WAITING", true},
                                              {"OF", true},
                                              {"DROPPED", true},
                                              {"DROP/s", true},
                                              {"ERRORS", true}},
                                             {}};
  for (const auto& s : view.subscriptions) {
    auto& row = out.second.emplace_back();
    row.text(s.name);
    row.text(s.node_name);
    row.text(s.type);
    row.rate(s.delivered_per_s);
    row.count(s.waiting);
    row.count(s.capacity);
    row.count(s.dropped);
    row.rate(s.dropped_per_s);
    row.count(s.handler_errors);
  }
  return out;
}

std::pair<columns, std::vector<cells>> rows_of(const mesh_view& view, top_screen::page which) {
  switch (which) {
  case top_screen::page::links:
    return links_of(view);
  case top_screen::page::types:
    return types_of(view);
  case top_screen::page::subscriptions:
    return subscriptions_of(view);
  default:
    return nodes_of(view);
  }
}

// At most so many characters; UTF-8 stays whole.
std::string cut(const std::string& text, std::size_t width) {
  std::size_t seen = 0;
  for (std::size_t i = 0; i < text.size(); ++i)
    if ((text[i] & 0xc0) != 0x80 && ++seen > width)
      return text.substr(0, i);
  return text;
}

} // namespace

bool top_screen::press(top_key key) {
  constexpr std::size_t pages = titles.size();
  const auto turn_to = [this](std::size_t which) {
    page_ = static_cast<page>(which);
    column_ = first_ = 0;
    descending_ = false;
  };
  switch (key) {
  case top_key::quit:
    return false;
  case top_key::next_page:
    turn_to((static_cast<std::size_t>(page_) + 1) % pages);
    break;
  case top_key::page_1:
  case top_key::page_2:
  case top_key::page_3:
  case top_key::page_4:
  case top_key::page_5:
    turn_to(static_cast<std::size_t>(key) - static_cast<std::size_t>(top_key::page_1));
    break;
  case top_key::next_column:
  case top_key::previous_column: {
    const auto count = rows_of({}, page_).first.size();
    column_ = (column_ + (key == top_key::next_column ? 1 : count - 1)) % count;
    descending_ = rows_of({}, page_).first[column_].number; // the largest is what is looked for
    break;
  }
  case top_key::reverse:
    descending_ = !descending_;
    break;
  case top_key::up:
    first_ -= std::min<std::size_t>(first_, 1);
    break;
  case top_key::down:
    ++first_;
    break;
  case top_key::page_up:
    first_ -= std::min(first_, rows_at_once);
    break;
  case top_key::page_down:
    first_ += rows_at_once;
    break;
  case top_key::home:
    first_ = 0;
    break;
  case top_key::other:
    break;
  }
  return true;
}

text_table top_screen::table_of(const mesh_view& view, page which) const {
  auto found = rows_of(view, which);
  auto& titles_of_columns = found.first;
  auto& rows = found.second;
  if (which == page_) {
    std::ranges::stable_sort(rows, [&](const cells& a, const cells& b) {
      const auto& [x, y] = descending_ ? std::tie(b, a) : std::tie(a, b);
      return titles_of_columns[column_].number ? x.values[column_] < y.values[column_]
                                               : x.texts[column_] < y.texts[column_];
    });
    titles_of_columns[column_].title += descending_ ? " v" : " ^";
  }
  text_table table{std::move(titles_of_columns), {}};
  for (auto& row : rows)
    table.rows.push_back(std::move(row.texts));
  return table;
}

void top_screen::add_table(std::vector<line>& to, const mesh_view& view, page which, std::size_t most) const {
  const auto all = table_of(view, which).lines();
  to.push_back({line::look::heading, all[0]});
  const auto rows = all.size() - 1;
  const auto first = which == page_ ? std::min(first_, rows - std::min<std::size_t>(rows, 1)) : 0;
  for (std::size_t i = first; i < rows && i < first + most; ++i)
    to.push_back({line::look::plain, all[i + 1]});
  if (first + most < rows)
    to.push_back({line::look::plain, "... and " + std::to_string(rows - first - most) + " more"});
}

std::vector<top_screen::line> top_screen::lines(const mesh_view& view, std::size_t height, std::size_t width) const {
  double published = 0;
  double bytes = 0;
  std::uint64_t lost = 0;
  for (const auto& n : view.nodes) {
    published += n.published_per_s;
    bytes += n.published_bytes_per_s;
    lost += n.dropped + n.lost;
  }
  std::vector<line> out;
  out.push_back({line::look::title, "mycelium top - " + std::string(titles[static_cast<std::size_t>(page_)]) + ": " +
                                        std::to_string(view.nodes.size()) + " nodes, " +
                                        std::to_string(view.links.size()) + " links, " + short_number(published) +
                                        " messages/s, " + short_number(bytes) + "B/s published, " + whole(lost) +
                                        " dropped or lost"});
  const auto room = height - std::min<std::size_t>(height, 2); // without title and keys
  if (page_ != page::overview) {
    add_table(out, view, page_, room - std::min<std::size_t>(room, 2));
  } else {
    const auto each = std::max<std::size_t>(room / 4, 3) - 3; // headings, the line of what is left, and a gap
    for (const auto which : {page::nodes, page::links, page::types, page::subscriptions}) {
      add_table(out, view, which, each);
      out.emplace_back();
    }
  }
  out.resize(height - std::min<std::size_t>(height, 1));
  out.push_back({line::look::title, "q quit  Tab or 1-5 page  < > sort by  r reverse  up down PgUp PgDn Home scroll"});
  for (auto& each : out)
    each.text = cut(each.text, width);
  return out;
}

} // namespace mycelium::cli
