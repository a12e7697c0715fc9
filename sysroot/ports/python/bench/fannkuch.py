# Turning over prefixes of permutations: small lists and slices.
def fannkuch(n):
    perm1, count, most, checksum, r, number = list(range(n)), [0] * n, 0, 0, n, 0
    while True:
        while r != 1:
            count[r - 1] = r
            r -= 1
        perm, flips = perm1[:], 0
        first = perm[0]
        while first:
            perm[:first + 1] = perm[first::-1]
            flips += 1
            first = perm[0]
        most = max(most, flips)
        checksum += -flips if number & 1 else flips
        while True:
            if r == n:
                return checksum, most
            perm1.insert(r, perm1.pop(0))
            count[r] -= 1
            if count[r] > 0:
                break
            r += 1
        number += 1

print(fannkuch(9))
