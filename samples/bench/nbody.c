// Floating point: the planets around the sun, pair by pair.
#include "bench.h"
#include <math.h>

struct body {
    double x[3], v[3], mass;
};

#define DAYS 365.24
#define SUN (4 * 3.141592653589793 * 3.141592653589793)

static struct body bodies[] = {
    {{0}, {0}, SUN},
    {{4.84143144246472090, -1.16032004402742839, -0.103622044471123109},
     {0.00166007664274403694 * DAYS, 0.00769901118419740425 * DAYS, -0.0000690460016972063023 * DAYS},
     0.000954791938424326609 * SUN},
    {{8.34336671824457987, 4.12479856412430479, -0.403523417114321381},
     {-0.00276742510726411816 * DAYS, 0.00499852801234917238 * DAYS, 0.0000230417297573763929 * DAYS},
     0.000285885980666130812 * SUN},
    {{12.8943695621391310, -15.1111514016986312, -0.223307578892655734},
     {0.00296460137564761618 * DAYS, 0.00237847173959480950 * DAYS, -0.0000296589568540237556 * DAYS},
     0.0000436624404335156298 * SUN},
    {{15.3796971148509165, -25.9193146099879641, 0.179258772950371181},
     {0.00268067772490389322 * DAYS, 0.00162824170038242295 * DAYS, -0.0000951592254519715870 * DAYS},
     0.0000515138902046611451 * SUN}};
enum { COUNT = sizeof bodies / sizeof *bodies };

static void advance(double step) {
    for (int i = 0; i < COUNT; i++)
        for (int j = i + 1; j < COUNT; j++) {
            double d[3], square = 0;
            for (int k = 0; k < 3; k++) d[k] = bodies[i].x[k] - bodies[j].x[k], square += d[k] * d[k];
            double pull = step / (square * sqrt(square));
            for (int k = 0; k < 3; k++) {
                bodies[i].v[k] -= d[k] * bodies[j].mass * pull;
                bodies[j].v[k] += d[k] * bodies[i].mass * pull;
            }
        }
    for (int i = 0; i < COUNT; i++)
        for (int k = 0; k < 3; k++) bodies[i].x[k] += step * bodies[i].v[k];
}

static double energy(void) {
    double e = 0;
    for (int i = 0; i < COUNT; i++) {
        double square = 0;
        for (int k = 0; k < 3; k++) square += bodies[i].v[k] * bodies[i].v[k];
        e += bodies[i].mass * square / 2;
        for (int j = i + 1; j < COUNT; j++) {
            double distance = 0;
            for (int k = 0; k < 3; k++) distance += (bodies[i].x[k] - bodies[j].x[k]) * (bodies[i].x[k] - bodies[j].x[k]);
            e -= bodies[i].mass * bodies[j].mass / sqrt(distance);
        }
    }
    return e;
}

int main(int argc, char **argv) {
    unsigned rounds = bench_rounds(argc, argv, 210);
    for (unsigned r = 0; r < rounds; r++)
        for (int i = 0; i < 100000; i++) advance(0.001);
    printf("%.9f\n", energy());
}
