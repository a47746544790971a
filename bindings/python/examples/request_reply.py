#!/usr/bin/env python3
"""Serves word counts and asks for one."""

import re

from mycelium_native import Runtime
from mycelium_protocol import WordCountReply, WordCountRequest


def count_words(request: WordCountRequest) -> WordCountReply:
    text = request.text.encode()
    return WordCountReply(words=len(re.findall(rb"[^ \t\r\n]+", text)), bytes=len(text))


def main() -> None:
    with Runtime() as bus:
        bus.serve(WordCountRequest, count_words)
        reply = bus.request(WordCountRequest(text="the quick brown fox"), WordCountReply)
        print(f"{reply.words} words, {reply.bytes} bytes")


if __name__ == "__main__":
    main()
