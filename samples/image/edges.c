/* Decodes a picture, finds its edges by Sobel's operator, draws them as text, and writes them as a PNG file. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STB_IMAGE_IMPLEMENTATION
#define STBI_FAILURE_USERMSG
#include "stb_image.h"
#define STB_IMAGE_WRITE_IMPLEMENTATION
#include "stb_image_write.h"

enum { COLUMNS = 76 };

struct picture {
    int width, height;
    unsigned char *gray;
};

static int at(const struct picture *p, int x, int y)
{
    x = x < 0 ? 0 : x >= p->width ? p->width - 1 : x;
    y = y < 0 ? 0 : y >= p->height ? p->height - 1 : y;
    return p->gray[(size_t)y * p->width + x];
}

static unsigned char slope(const struct picture *p, int x, int y)
{
    int dx = 0, dy = 0;
    for (int i = -1; i <= 1; i++) {
        int weight = 2 - abs(i);
        dx += weight * (at(p, x + 1, y + i) - at(p, x - 1, y + i));
        dy += weight * (at(p, x + i, y + 1) - at(p, x + i, y - 1));
    }
    double length = hypot(dx, dy);
    return length > 255 ? 255 : (unsigned char)length;
}

/* A character is about twice as high as wide. */
static void draw(const struct picture *p)
{
    static const char ink[] = " .:-=+*#%@";
    int rows = p->height * COLUMNS / p->width / 2;
    for (int row = 0; row < rows; row++) {
        char line[COLUMNS + 1] = {0};
        for (int column = 0; column < COLUMNS; column++) {
            int x0 = column * p->width / COLUMNS, x1 = (column + 1) * p->width / COLUMNS;
            int y0 = row * p->height / rows, y1 = (row + 1) * p->height / rows;
            int sum = 0, count = 0;
            for (int y = y0; y < y1; y++)
                for (int x = x0; x < x1; x++, count++)
                    sum += at(p, x, y);
            int shade = count ? sum / count / 12 : 0;
            line[column] = ink[shade > 9 ? 9 : shade];
        }
        puts(line);
    }
}

int main(int argc, char **argv)
{
    if (argc < 2 || argc > 3) {
        fputs("usage: image PICTURE [EDGES.png]\n", stderr);
        return 2;
    }
    int channels;
    struct picture in, out;
    in.gray = stbi_load(argv[1], &in.width, &in.height, &channels, 1);
    if (!in.gray) {
        fprintf(stderr, "%s: %s\n", argv[1], stbi_failure_reason());
        return 1;
    }
    out = in;
    out.gray = malloc((size_t)in.width * in.height);
    if (!out.gray) {
        perror("malloc");
        return 1;
    }
    for (int y = 0; y < in.height; y++)
        for (int x = 0; x < in.width; x++)
            out.gray[(size_t)y * in.width + x] = slope(&in, x, y);
    printf("%s: %d by %d, %d channels\n", argv[1], in.width, in.height, channels);
    draw(&out);
    if (argc == 3 && !stbi_write_png(argv[2], out.width, out.height, 1, out.gray, out.width)) {
        fprintf(stderr, "%s: cannot be written: %s\n", argv[2], strerror(errno));
        return 1;
    }
    free(out.gray);
    stbi_image_free(in.gray);
    return 0;
}
