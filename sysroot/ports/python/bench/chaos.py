# A fractal of splines: objects with operators.
import random

class Point:
    __slots__ = ("x", "y")
    def __init__(self, x, y):
        self.x, self.y = x, y
    def __add__(self, other):
        return Point(self.x + other.x, self.y + other.y)
    def __sub__(self, other):
        return Point(self.x - other.x, self.y - other.y)
    def scaled(self, factor):
        return Point(self.x * factor, self.y * factor)

def spline(points, t):
    points = list(points)
    while len(points) > 1:
        points = [a + (b - a).scaled(t) for a, b in zip(points, points[1:])]
    return points[0]

random.seed(1234)
curves = [[Point(random.random(), random.random()) for _ in range(5)] for _ in range(3)]
at, grid = Point(0.5, 0.5), [[0] * 64 for _ in range(64)]
for _ in range(40000):
    there = spline(random.choice(curves), (at.x + at.y) / 2 % 1)
    at = at + (there - at).scaled(0.5)
    grid[int(at.y * 64) % 64][int(at.x * 64) % 64] += 1
print(sum(map(bool, sum(grid, []))), max(map(max, grid)))
