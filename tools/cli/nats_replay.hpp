// mycelium replay --nats: out of a stream instead of a file.
#pragma once

namespace mycelium::cli {

// Does the command line of `replay` ask for it?
bool replays_from_nats(int argc, char** argv);
int nats_replay_verb(int argc, char** argv);

} // namespace mycelium::cli
