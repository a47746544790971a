#!/usr/bin/env python3
"""Serves word counts and asks for one."""

from mycelium_native import NoReplyError, Runtime
from mycelium_protocol import WordCountReply, WordCountRequest


def count_words(request: WordCountRequest) -> WordCountReply:
    return WordCountReply(words=len(request.text.split()), bytes=len(request.text.encode()))


def main() -> None:
    with Runtime() as bus:
        question = WordCountRequest(text="how many words are these")
        with bus.serve(WordCountRequest, count_words):
            reply = bus.request(question, WordCountReply, timeout=1.0)
            print(f"{reply.words} words, {reply.bytes} bytes")
        try:
            bus.request(question, WordCountReply, timeout=1.0)
        except NoReplyError:
            print("nobody counts any more")


if __name__ == "__main__":
    main()
