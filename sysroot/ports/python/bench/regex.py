# Regular expressions over text.
import re

words = [f"{chr(97 + i % 26)}{i:x}@host{i % 17}.example.org" for i in range(4000)]
text = " some words, 192.168.0.1 and 2013-06-05T12:30:00Z; ".join(words)
total = 0
for _ in range(7):
    total += len(re.findall(r"[\w.]+@([\w-]+\.)+org", text))
    total += len(re.findall(r"\b(?:\d{1,3}\.){3}\d{1,3}\b", text))
    total += sum(int(m["y"]) for m in re.finditer(r"(?P<y>\d{4})-(?P<m>\d\d)-(?P<d>\d\d)", text))
    total += len(re.sub(r"(\w+), (\w+)", r"\2 \1", text))
    total += len(re.split(r"[;, ]+", text))
print(total)
