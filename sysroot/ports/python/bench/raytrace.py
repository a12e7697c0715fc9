# Spheres and light: float arithmetic in methods.
from math import sqrt

class Vector:
    def __init__(self, x, y, z):
        self.x, self.y, self.z = x, y, z
    def dot(self, o):
        return self.x * o.x + self.y * o.y + self.z * o.z
    def plus(self, o, f=1.0):
        return Vector(self.x + f * o.x, self.y + f * o.y, self.z + f * o.z)
    def unit(self):
        f = 1.0 / sqrt(self.dot(self))
        return Vector(self.x * f, self.y * f, self.z * f)

class Sphere:
    def __init__(self, centre, radius, shine):
        self.centre, self.radius, self.shine = centre, radius, shine
    def hit(self, origin, direction):
        to = self.centre.plus(origin, -1.0)
        along = to.dot(direction)
        below = self.radius ** 2 - to.dot(to) + along ** 2
        return along - sqrt(below) if below > 0 and along > sqrt(below) + 1e-6 else None

SPHERES = [Sphere(Vector(i % 4 - 1.5, i // 4 - 1.5, 6 + i % 3), 0.6, i % 5 / 6) for i in range(16)]
LIGHT = Vector(0.4, 0.8, -0.6).unit()

def trace(origin, direction, depth):
    hits = [(t, s) for s in SPHERES if (t := s.hit(origin, direction)) is not None]
    if not hits:
        return 0.1 + 0.2 * abs(direction.y)
    t, sphere = min(hits, key=lambda hit: hit[0])
    point = origin.plus(direction, t)
    normal = point.plus(sphere.centre, -1.0).unit()
    colour = max(0.0, normal.dot(LIGHT)) * (1 - sphere.shine)
    if depth and sphere.shine:
        mirrored = direction.plus(normal, -2.0 * normal.dot(direction))
        colour += sphere.shine * trace(point, mirrored, depth - 1)
    return colour

SIZE = 130
total = 0.0
for y in range(SIZE):
    for x in range(SIZE):
        total += trace(Vector(0, 0, 0), Vector(x / SIZE - 0.5, y / SIZE - 0.5, 1.0).unit(), 3)
print(f"{total:.6f}")
