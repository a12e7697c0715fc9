"""Who wrote how much to a mailbox, when, and about what."""

import mailbox
import re
import sys
from collections import Counter
from email.header import decode_header, make_header
from email.utils import parseaddr, parsedate_to_datetime


def header(message, name):
    """A header's text, decoded."""
    return str(make_header(decode_header(message.get(name, ""))))


def body(message):
    """The plain text of a message, without what it quotes."""
    lines = []
    for part in message.walk():
        if part.get_content_type() == "text/plain":
            charset = part.get_content_charset("utf-8")
            text = part.get_payload(decode=True).decode(charset, "replace")
            lines += [line for line in text.splitlines() if not line.startswith(">")]
    return "\n".join(lines)


def main(path):
    box = mailbox.mbox(path, create=False)
    senders, months, threads, words = Counter(), Counter(), Counter(), Counter()
    for message in box:
        name, address = parseaddr(header(message, "From"))
        senders[name or address] += 1
        months[f"{parsedate_to_datetime(message['Date']):%Y-%m}"] += 1
        threads[re.sub(r"(?i)^(re|fwd?):\s*", "", header(message, "Subject"))] += 1
        words.update(re.findall(r"[^\W\d_]{5,}", body(message).lower()))
    print(f"{sum(senders.values())} messages from {len(senders)} people in {len(threads)} threads")
    for title, counts in [("people", senders), ("months", months), ("threads", threads), ("words", words)]:
        print(f"\n{title}:")
        for what, count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:5]:
            print(f"{count:6}  {what}")


if __name__ == "__main__":
    main(sys.argv[1])
