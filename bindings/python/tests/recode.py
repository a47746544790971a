"""For each line "TYPE_ID HEX" of the standard input: the payload decoded and encoded again in hexadecimal, or "refused".

  recode.py native | python      the codec in native code, or the generated one in Python
"""

import sys

import golden_protocol
import mycelium_protocol
from two_codecs import codecs_of


def main() -> None:
    classes = {
        cls.TYPE_ID: cls
        for package in (mycelium_protocol, golden_protocol)
        for cls in vars(package).values()
        if isinstance(cls, type) and hasattr(cls, "TYPE_ID")
    }
    for line in sys.stdin:
        type_id, text = line.rstrip("\n").split(" ")
        try:
            encode, decode = codecs_of(cls := classes[int(type_id)])[sys.argv[1]]
            print(encode(decode(cls, bytes.fromhex(text))).hex())
        except ValueError:
            print("refused")


if __name__ == "__main__":
    main()
