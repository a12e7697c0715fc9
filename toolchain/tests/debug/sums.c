// Many values that are live at once, in a unit of its own.
int next(int x);

__attribute__((noinline)) int sums(int a, int b, int c) {
    int s = a * 3 + b * 5 + c * 7, u = s ^ b, v = u + (s >> 3), w = v * u + s;
    int x = (a ^ b) * (c + 9) - (s & u), y = x * w + v, z = (y << 3) ^ x;
    int p = a * z + b * y + c * x, q = p * p - w, r = q ^ (z * s);
    return next(p + q + r) + next(s + u + v + w + x + y + z) * p * q * r;
}
