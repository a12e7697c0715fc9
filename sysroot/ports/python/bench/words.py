# Dictionaries, sorting and strings.
from collections import Counter, defaultdict

seed, text = 1, []
for _ in range(250000):
    seed = seed * 1103515245 + 12345 & 0x7FFFFFFF
    text.append("".join(chr(97 + (seed >> k) % 7) for k in (8, 12, 16)))
counts = Counter(text)
by_letter = defaultdict(list)
for word, count in counts.items():
    by_letter[word[0]].append((count, word))
print(" ".join(f"{k}:{max(v)[1]}" for k, v in sorted(by_letter.items())))
print(len(set(w.upper().replace("A", "--") for w in text)), sorted(text, key=lambda w: w[::-1])[1000])
