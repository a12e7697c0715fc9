# Decimal numbers, and digests.
from decimal import Decimal, getcontext
import hashlib

getcontext().prec = 60
total = Decimal(0)
for k in range(60000):
    x = Decimal(8 * k)
    total += Decimal(16) ** -min(k, 200) * (4 / (x + 1) - 2 / (x + 4) - 1 / (x + 5) - 1 / (x + 6))
print(str(total)[:20])
data = b"zvm" * 100000
print(hashlib.sha256(b"".join(hashlib.blake2b(data).digest() for _ in range(500))).hexdigest()[:16])
