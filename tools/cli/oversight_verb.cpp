// mycelium oversight: watches a stream of tokens on the terminal, and stops it where it makes no sense.
#include "tools/cli/arguments.hpp"
#include "tools/cli/oversight_stream.hpp"

#include <cstdio>

namespace mycelium::cli {
namespace {

constexpr int exit_halted = 3;

struct wanted {
  std::string config, text, scores, prompt, facts;
  source_options bus;
  std::uint64_t session = 0;
  double rate = 0;
  bool json = false, whole_sentences = false, soft_halt = false;
  unsigned score_every = 1;
};

int fail(const failure& why) {
  std::fprintf(stderr, "mycelium oversight: %s\n", why.text.c_str());
  return exit_failed;
}

result<watch_settings> settings_of(const wanted& asked) {
  watch_settings how;
  backfire_config_init(&how.config);
  backfire_options_init(&how.options);
  how.json = asked.json;
  how.options.whole_sentences = asked.whole_sentences ? 1 : 0;
  how.options.soft_halt = asked.soft_halt ? 1 : 0;
  how.options.score_every = asked.score_every;
  if (asked.config.empty())
    return how;
  const auto json = read_file(asked.config);
  if (!json)
    return json.error();
  if (backfire_config_from_json(json->data(), json->size(), &how.config) < 0)
    return failure{status::invalid_argument, asked.config + ": " + backfire_last_error()};
  return how;
}

result<std::unique_ptr<stream_scorer>> scorer_of(const wanted& asked, const watch_settings& how) {
  if (!asked.scores.empty())
    return scores_in_file(asked.scores);
  return coherence_with(how.config, asked.prompt, asked.facts);
}

void describe(CLI::App& app, wanted& asked) {
  app.add_option("--config", asked.config, "limits, as the JSON of backfire_config_to_json; default: the defaults")
      ->check(CLI::ExistingFile);
  app.add_option("--text", asked.text, "the stream: the words of this file, one token each; - is the standard input");
  app.add_option("--session", asked.session, "on a bus: which session; 0: the first that is seen");
  add_source_options(app, asked.bus);
  auto* scores =
      app.add_option("--scores", asked.scores, "scores of the tokens: a number a line, the first for token 0")
          ->check(CLI::ExistingFile);
  auto* prompt = app.add_option("--prompt", asked.prompt, "score how coherent the text so far is with this prompt");
  auto* facts = app.add_option("--facts", asked.facts, "score how coherent it is with these facts, one a line")
                    ->check(CLI::ExistingFile);
  scores->excludes(prompt)->excludes(facts);
  app.add_option("--rate", asked.rate, "tokens a second; 0: as fast as they are scored")
      ->check(CLI::Range(0.0, 1e6))
      ->capture_default_str();
  app.add_flag("--whole-sentences", asked.whole_sentences, "show a sentence only when it is complete");
  app.add_flag("--soft-halt", asked.soft_halt, "finish the sentence where the check that fired allows it");
  app.add_option("--score-every", asked.score_every, "score every nth token only")
      ->check(CLI::Range(1U, 65536U))
      ->capture_default_str();
  app.add_flag("--json", asked.json, "print one JSON object a line: each verdict, then the end");
}

} // namespace

int oversight_verb(int argc, char** argv) {
  wanted asked;
  CLI::App app(
      "Lets a stream of tokens pass an oversight actor and shows what it releases, with the scores and, where it\n"
      "halts, the evidence. The tokens are a file's words, or those that others publish on a bus.",
      "mycelium oversight");
  app.footer("Exit codes: 0 the stream came to its end, 3 it was halted, 1 it failed, 2 wrong command line.");
  describe(app, asked);
  if (const auto done = parse(app, argc, argv))
    return *done;
  if (asked.scores.empty() && asked.prompt.empty() && asked.facts.empty()) {
    std::fprintf(stderr, "mycelium oversight: say how to score: --scores FILE, or --prompt TEXT and --facts FILE\n");
    return exit_usage;
  }
  const bool live = asked.bus.nodes.any() || !asked.bus.plugins.empty();
  if (live == !asked.text.empty()) {
    std::fprintf(stderr,
                 "mycelium oversight: say which stream: --text FILE, or a bus with --unix PATH, --tcp HOST:PORT, "
                 "--tls HOST:PORT or --load PLUGIN.so\n");
    return exit_usage;
  }
  const auto how = settings_of(asked);
  if (!how)
    return fail(how.error());
  auto scorer = scorer_of(asked, *how);
  if (!scorer)
    return fail(scorer.error());
  if (live) {
    auto bus = open_source(asked.bus, "oversight");
    if (!bus)
      return fail(bus.error());
    const auto seen = watch_live(*how, *bus, asked.session, **scorer);
    return seen ? (seen->halted ? exit_halted : exit_ok) : fail(seen.error());
  }
  auto text = read_file(asked.text);
  if (!text)
    return fail(text.error());
  const auto source = text_source(std::move(*text), asked.rate);
  const auto seen = watch_stream(*how, *source, **scorer);
  if (!seen)
    return fail(seen.error());
  return seen->halted ? exit_halted : exit_ok;
}

} // namespace mycelium::cli
