# Planets pull each other: floats in lists.
from math import sqrt

DAYS = 365.24
SUN = 39.47841760435743
BODIES = [
    [[0.0, 0.0, 0.0], [0.0, 0.0, 0.0], SUN],
    [[4.84143144246472090, -1.16032004402742839, -0.103622044471123109],
     [0.00166007664274403694 * DAYS, 0.00769901118419740425 * DAYS, -0.0000690460016972063023 * DAYS], 0.000954791938424326609 * SUN],
    [[8.34336671824457987, 4.12479856412430479, -0.403523417114321381],
     [-0.00276742510726411 * DAYS, 0.00499852801234917238 * DAYS, 0.0000230417297573763929 * DAYS], 0.000285885980666130812 * SUN],
    [[12.8943695621391310, -15.1111514016986312, -0.223307578892655734],
     [0.00296460137564761618 * DAYS, 0.00237847173959480950 * DAYS, -0.0000296589568540237556 * DAYS], 0.0000436624404335156298 * SUN],
]
PAIRS = [(a, b) for i, a in enumerate(BODIES) for b in BODIES[i + 1:]]

def advance(steps, dt):
    for _ in range(steps):
        for ((x1, y1, z1), v1, m1), ((x2, y2, z2), v2, m2) in PAIRS:
            dx, dy, dz = x1 - x2, y1 - y2, z1 - z2
            mag = dt / (dx * dx + dy * dy + dz * dz) ** 1.5
            v1[0] -= dx * m2 * mag; v1[1] -= dy * m2 * mag; v1[2] -= dz * m2 * mag
            v2[0] += dx * m1 * mag; v2[1] += dy * m1 * mag; v2[2] += dz * m1 * mag
        for r, (vx, vy, vz), _ in BODIES:
            r[0] += dt * vx; r[1] += dt * vy; r[2] += dt * vz

def energy():
    e = sum(m * (v[0] ** 2 + v[1] ** 2 + v[2] ** 2) / 2 for _, v, m in BODIES)
    for (a, _, m1), (b, _, m2) in PAIRS:
        e -= m1 * m2 / sqrt(sum((p - q) ** 2 for p, q in zip(a, b)))
    return e

advance(100000, 0.01)
print(f"{energy():.9f}")
