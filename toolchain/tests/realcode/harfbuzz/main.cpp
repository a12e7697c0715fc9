// Shapes lines of several scripts, walks the outlines of every glyph, and makes smaller fonts, which shape the same lines again.
#include <hb-ot.h>
#include <hb-subset.h>
#include <hb.h>

#include <cstdint>
#include <cstdio>
#include <iostream>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

__asm__(".section .rodata\n"
        "font_start: .incbin \"DejaVuSans.ttf\"\n"
        "font_end: .byte 0\n"
        ".previous\n");
extern const char font_start[] __asm__("font_start");
extern const char font_end[] __asm__("font_end");

template <auto destroy> struct Destroy {
    template <typename T> void operator()(T *object) const { destroy(object); }
};
using Blob = std::unique_ptr<hb_blob_t, Destroy<hb_blob_destroy>>;
using Face = std::unique_ptr<hb_face_t, Destroy<hb_face_destroy>>;
using Font = std::unique_ptr<hb_font_t, Destroy<hb_font_destroy>>;
using Buffer = std::unique_ptr<hb_buffer_t, Destroy<hb_buffer_destroy>>;

static uint64_t hash(const void *bytes, size_t size, uint64_t state = 0xcbf29ce484222325)
{
    for (size_t i = 0; i < size; i++)
        state = (state ^ static_cast<const unsigned char *>(bytes)[i]) * 0x100000001b3;
    return state;
}

static std::string shaped(hb_font_t *font, const std::string &line, const char *features)
{
    Buffer buffer(hb_buffer_create());
    hb_buffer_add_utf8(buffer.get(), line.data(), int(line.size()), 0, -1);
    hb_buffer_guess_segment_properties(buffer.get());
    std::vector<hb_feature_t> wanted;
    std::istringstream words(features);
    for (std::string word; words >> word;) {
        hb_feature_t feature;
        if (!hb_feature_from_string(word.data(), int(word.size()), &feature))
            throw std::invalid_argument("no feature: " + word);
        wanted.push_back(feature);
    }
    hb_shape(font, buffer.get(), wanted.data(), unsigned(wanted.size()));
    unsigned count = hb_buffer_get_length(buffer.get());
    std::string text(64 * (count + 1), '\0');
    unsigned used = 0;
    hb_buffer_serialize(buffer.get(), 0, count, text.data(), unsigned(text.size()), &used, font, HB_BUFFER_SERIALIZE_FORMAT_TEXT,
                        HB_BUFFER_SERIALIZE_FLAG_DEFAULT);
    text.resize(used);
    return text;
}

struct Outline {
    uint64_t sum = 0xcbf29ce484222325;
    unsigned steps = 0;
    void add(float x, float y)
    {
        float both[2] = {x, y};
        sum = hash(both, sizeof both, sum);
        steps++;
    }
};

static Outline outlines(hb_face_t *face, hb_font_t *font)
{
    std::unique_ptr<hb_draw_funcs_t, Destroy<hb_draw_funcs_destroy>> funcs(hb_draw_funcs_create());
    hb_draw_funcs_set_move_to_func(
        funcs.get(), [](auto *, void *to, auto *, float x, float y, void *) { static_cast<Outline *>(to)->add(x, y); }, nullptr, nullptr);
    hb_draw_funcs_set_line_to_func(
        funcs.get(), [](auto *, void *to, auto *, float x, float y, void *) { static_cast<Outline *>(to)->add(x, y); }, nullptr, nullptr);
    hb_draw_funcs_set_quadratic_to_func(
        funcs.get(),
        [](auto *, void *to, auto *, float x1, float y1, float x2, float y2, void *) {
            static_cast<Outline *>(to)->add(x1, y1);
            static_cast<Outline *>(to)->add(x2, y2);
        },
        nullptr, nullptr);
    Outline outline;
    for (unsigned glyph = 0; glyph < hb_face_get_glyph_count(face); glyph++)
        hb_font_draw_glyph(font, glyph, funcs.get(), &outline);
    return outline;
}

/// A font that has what `text` needs.
static Face cut(hb_face_t *face, const std::string &text)
{
    std::unique_ptr<hb_subset_input_t, Destroy<hb_subset_input_destroy>> input(hb_subset_input_create_or_fail());
    if (!input)
        throw std::bad_alloc();
    Buffer buffer(hb_buffer_create());
    hb_buffer_add_utf8(buffer.get(), text.data(), int(text.size()), 0, -1);
    unsigned count = 0;
    for (const hb_glyph_info_t *info = hb_buffer_get_glyph_infos(buffer.get(), &count); count > 0; info++, count--)
        hb_set_add(hb_subset_input_unicode_set(input.get()), info->codepoint);
    Face smaller(hb_subset_or_fail(face, input.get()));
    if (!smaller)
        throw std::runtime_error("no subset for: " + text);
    return smaller;
}

int main()
{
    Blob blob(hb_blob_create(font_start, unsigned(font_end - font_start), HB_MEMORY_MODE_READONLY, nullptr, nullptr));
    Face face(hb_face_create(blob.get(), 0));
    Font font(hb_font_create(face.get()));
    std::cout << hb_version_string() << ", " << hb_face_get_glyph_count(face.get()) << " glyphs, " << hb_face_get_upem(face.get()) << " units\n";

    const std::vector<std::string> lines = {
        "Office waffles: AVATAR, To. fjord", "e\u0301le\u0300ve \u1e9e \u0132", "Съешь ещё этих мягких французских булок",
        "Ξεσκεπάζω τὴν ψυχοφθόρα βδελυγμία", "صِف خَلقَ خَودِ كَمِثلِ الشَمسِ", "דג סקרן שט בים מאוכזב", "Բել դղյակի ձախ ժամն օֆ ազգությանը", "ქართული ენა ∑∫√ ↔ ☃ 𝔄",
    };
    for (const auto &line : lines)
        for (const char *features : {"", "-kern -liga", "+dlig smcp[3:5]"})
            std::cout << shaped(font.get(), line, features) << '\n';
    try {
        shaped(font.get(), "x", "no=such=feature");
    } catch (const std::invalid_argument &error) {
        std::cout << error.what() << '\n';
    }

    hb_font_set_scale(font.get(), 1000, 1000);
    auto outline = outlines(face.get(), font.get());
    std::cout << outline.steps << " points, " << std::hex << outline.sum << std::dec << '\n';
    for (const auto &line : lines) {
        Face smaller = cut(face.get(), line);
        Blob bytes(hb_face_reference_blob(smaller.get()));
        unsigned size = 0;
        const char *data = hb_blob_get_data(bytes.get(), &size);
        std::cout << size << " bytes, " << std::hex << hash(data, size) << std::dec << ", ";
        Face read(hb_face_create(bytes.get(), 0));
        Font small(hb_font_create(read.get()));
        std::cout << hb_face_get_glyph_count(read.get()) << " glyphs: " << shaped(small.get(), line, "") << '\n';
    }
}
