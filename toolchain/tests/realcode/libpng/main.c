// Pictures are written to memory, read back with transformations, and a damaged one is refused through longjmp.
#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { WIDTH = 173, HEIGHT = 91 };

struct memory {
    unsigned char bytes[1 << 20];
    size_t size, at;
};
static struct memory file;

static void put(png_structp png, png_bytep data, size_t size) {
    struct memory *m = png_get_io_ptr(png);
    if (m->size + size > sizeof m->bytes) png_error(png, "full");
    memcpy(m->bytes + m->size, data, size);
    m->size += size;
}

static void get(png_structp png, png_bytep data, size_t size) {
    struct memory *m = png_get_io_ptr(png);
    if (m->at + size > m->size) png_error(png, "short");
    memcpy(data, m->bytes + m->at, size);
    m->at += size;
}

static void flush(png_structp png) { (void)png; }

static void complain(png_structp png, png_const_charp text) {
    printf("  error: %s\n", text);
    png_longjmp(png, 1);
}

static void warn(png_structp png, png_const_charp text) {
    (void)png;
    printf("  warning: %s\n", text);
}

static void write_picture(int color, int depth, int interlace, int filters) {
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, complain, warn);
    png_infop info = png_create_info_struct(png);
    if (setjmp(png_jmpbuf(png))) exit(1);
    file.size = file.at = 0;
    png_set_write_fn(png, &file, put, flush);
    png_set_filter(png, 0, filters);
    png_set_IHDR(png, info, WIDTH, HEIGHT, depth, color, interlace, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    if (color == PNG_COLOR_TYPE_PALETTE) {
        png_color palette[16];
        for (int i = 0; i < 16; i++) palette[i] = (png_color){i * 17, 255 - i * 17, i * 5};
        png_set_PLTE(png, info, palette, 16);
    }
    png_set_gAMA(png, info, 0.45455);
    png_text text = {.compression = PNG_TEXT_COMPRESSION_zTXt, .key = "Title", .text = "a picture of nothing at all"};
    png_set_text(png, info, &text, 1);
    png_write_info(png, info);
    size_t length = png_get_rowbytes(png, info);
    unsigned char *rows[HEIGHT];
    for (int y = 0; y < HEIGHT; y++) {
        rows[y] = malloc(length);
        for (size_t x = 0; x < length; x++) rows[y][x] = (x * 7 + y * 3) ^ (x * y >> 5);
    }
    png_write_image(png, rows);
    png_write_end(png, info);
    png_destroy_write_struct(&png, &info);
    for (int y = 0; y < HEIGHT; y++) free(rows[y]);
}

static int read_picture(int transform) {
    png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, NULL, complain, warn);
    png_infop info = png_create_info_struct(png);
    file.at = 0;
    if (setjmp(png_jmpbuf(png))) {
        png_destroy_read_struct(&png, &info, NULL);
        return 0;
    }
    png_set_read_fn(png, &file, get);
    if (transform) png_set_gamma(png, 1.0, 0.45455);
    png_read_png(png, info,
                 transform ? PNG_TRANSFORM_EXPAND | PNG_TRANSFORM_SCALE_16 | PNG_TRANSFORM_GRAY_TO_RGB | PNG_TRANSFORM_BGR
                           : PNG_TRANSFORM_IDENTITY,
                 NULL);
    unsigned char **rows = png_get_rows(png, info);
    size_t length = png_get_rowbytes(png, info);
    unsigned long sum = adler32(0, NULL, 0);
    // What is behind the last pixel of a row is whatever was in memory.
    unsigned used = png_get_image_width(png, info) * png_get_bit_depth(png, info) * png_get_channels(png, info) % 8;
    for (int y = 0; y < HEIGHT; y++) {
        if (used) rows[y][length - 1] &= 0xff << (8 - used);
        sum = adler32(sum, rows[y], length);
    }
    png_textp text;
    int texts = png_get_text(png, info, &text, NULL);
    printf("  %s: %zu bytes a row, %08lx, \"%s\"\n", transform ? "transformed" : "as it is", length, sum, texts ? text->text : "");
    png_destroy_read_struct(&png, &info, NULL);
    return 1;
}

int main(void) {
    static const struct {
        int color, depth;
    } kinds[] = {{PNG_COLOR_TYPE_GRAY, 1},      {PNG_COLOR_TYPE_GRAY, 16}, {PNG_COLOR_TYPE_PALETTE, 4},
                 {PNG_COLOR_TYPE_GRAY_ALPHA, 8}, {PNG_COLOR_TYPE_RGB, 8},   {PNG_COLOR_TYPE_RGB_ALPHA, 16}};
    printf("libpng %s, zlib %s\n", png_libpng_ver, zlibVersion());
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        for (int interlace = 0; interlace < 2; interlace++) {
            write_picture(kinds[i].color, kinds[i].depth, interlace, PNG_ALL_FILTERS);
            printf("color %d, depth %d, interlace %d: %zu bytes, %08lx\n", kinds[i].color, kinds[i].depth, interlace, file.size,
                   crc32(0, file.bytes, file.size));
            if (!read_picture(0) || !read_picture(1)) return 1;
        }
    }
    file.bytes[file.size / 2] ^= 0x10;
    if (read_picture(0)) return 1;
    return 0;
}
