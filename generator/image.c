#include "generator/image.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Integers at an offset; 0 beyond the end, which no caller mistakes for a size. */
static unsigned byte_at(struct str s, size_t at) {
    return at < s.len ? (unsigned char)s.ptr[at] : 0;
}

static unsigned big16(struct str s, size_t at) {
    return byte_at(s, at) << 8 | byte_at(s, at + 1);
}

static unsigned big32(struct str s, size_t at) {
    return big16(s, at) << 16 | big16(s, at + 2);
}

static unsigned little16(struct str s, size_t at) {
    return byte_at(s, at) | byte_at(s, at + 1) << 8;
}

static unsigned little24(struct str s, size_t at) {
    return little16(s, at) | byte_at(s, at + 2) << 16;
}

static bool holds(struct str s, size_t at, const char *bytes, size_t n) {
    return at <= s.len && n <= s.len - at && !memcmp(s.ptr + at, bytes, n);
}

static bool set(
    struct image_info *out, const char *type, unsigned width, unsigned height) {
    *out = (struct image_info){type, width, height};
    if (!width || !height) out->width = out->height = 0;
    return true;
}

/* Exif orientations 5 to 8 are shown turned by a quarter: browsers swap the sides. */
static bool is_turned(struct str exif) {
    bool big = holds(exif, 6, "MM", 2);
    if (!holds(exif, 0, "Exif\0\0", 6) || (!big && !holds(exif, 6, "II", 2)))
        return false;
    struct str tiff = str_slice(exif, 6, exif.len);
    size_t dir = big ? big32(tiff, 4) : little16(tiff, 4) | little16(tiff, 6) << 16;
    unsigned n = big ? big16(tiff, dir) : little16(tiff, dir);
    for (unsigned i = 0; i < n && dir + 2 + i * 12u < tiff.len; i++) {
        size_t entry = dir + 2 + i * 12u;
        unsigned tag = big ? big16(tiff, entry) : little16(tiff, entry);
        if (tag != 0x0112) continue;
        unsigned value = big ? big16(tiff, entry + 8) : little16(tiff, entry + 8);
        return value >= 5 && value <= 8;
    }
    return false;
}

static bool is_frame_header(unsigned marker) {
    return marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 &&
           marker != 0xCC;
}

static bool read_jpeg(struct str s, struct image_info *out) {
    bool turned = false;
    set(out, "image/jpeg", 0, 0);
    for (size_t at = 2; at + 4 <= s.len;) {
        unsigned marker = byte_at(s, at + 1);
        if (byte_at(s, at) != 0xFF) return true;
        if (marker == 0xFF) {
            at++;
            continue;
        }
        if (marker == 0x01 || (marker >= 0xD0 && marker <= 0xD8)) {
            at += 2;
            continue;
        }
        unsigned len = big16(s, at + 2);
        if (marker == 0xE1 && len > 2)
            turned = turned || is_turned(str_slice(s, at + 4, at + 2 + len));
        if (is_frame_header(marker)) {
            unsigned height = big16(s, at + 5), width = big16(s, at + 7);
            return turned ? set(out, "image/jpeg", height, width)
                          : set(out, "image/jpeg", width, height);
        }
        if (len < 2 || marker == 0xD9 || marker == 0xDA) return true;
        at += 2 + (size_t)len;
    }
    return true;
}

static bool read_webp(struct str s, struct image_info *out) {
    if (holds(s, 12, "VP8 ", 4) && holds(s, 23, "\x9D\x01\x2A", 3))
        return set(
            out, "image/webp", little16(s, 26) & 0x3FFF, little16(s, 28) & 0x3FFF);
    if (holds(s, 12, "VP8L", 4) && byte_at(s, 20) == 0x2F && s.len >= 25) {
        unsigned bits = little24(s, 21) | byte_at(s, 24) << 24;
        return set(out, "image/webp", (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1);
    }
    if (holds(s, 12, "VP8X", 4) && s.len >= 30)
        return set(out, "image/webp", little24(s, 24) + 1, little24(s, 27) + 1);
    return set(out, "image/webp", 0, 0);
}

/* The largest picture of an icon file; 0 stands for 256. */
static bool read_icon(struct str s, struct image_info *out) {
    unsigned n = little16(s, 4), width = 0, height = 0;
    if (!n) return false;
    for (unsigned i = 0; i < n && 6 + (i + 1) * 16u <= s.len; i++) {
        unsigned w = byte_at(s, 6 + i * 16u), h = byte_at(s, 7 + i * 16u);
        w = w ? w : 256;
        h = h ? h : 256;
        if (w <= width) continue;
        width = w;
        height = h;
    }
    return set(out, "image/x-icon", width, height);
}

/* Finds a box of an ISO media file among its siblings; its content into *inside. */
static bool find_box(struct str s, const char *name, struct str *inside) {
    for (size_t at = 0; at + 8 <= s.len;) {
        size_t size = big32(s, at), head = 8;
        if (size == 1) {
            if (big32(s, at + 8)) return false;
            size = big32(s, at + 12);
            head = 16;
        }
        if (!size || size > s.len - at) size = s.len - at;
        if (size < head) return false;
        if (holds(s, at + 4, name, 4)) {
            *inside = str_slice(s, at + head, at + size);
            return true;
        }
        at += size;
    }
    return false;
}

static bool read_avif(struct str s, struct image_info *out) {
    struct str meta, props, list, size;
    set(out, "image/avif", 0, 0);
    if (!find_box(s, "meta", &meta)) return true;
    meta = str_slice(meta, 4, meta.len);
    if (!find_box(meta, "iprp", &props) || !find_box(props, "ipco", &list)) return true;
    if (!find_box(list, "ispe", &size)) return true;
    return set(out, "image/avif", big32(size, 4), big32(size, 8));
}

static bool is_space(char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool skip_past(struct str *s, const char *what) {
    size_t at;
    if (!str_find(*s, what, &at)) return false;
    *s = str_slice(*s, at + strlen(what), s->len);
    return true;
}

/* To what stands between "<svg" and ">". */
static bool find_svg_tag(struct str s, struct str *tag) {
    if (str_starts(s, "\xEF\xBB\xBF")) s = str_slice(s, 3, s.len);
    for (;;) {
        s = str_trim(s);
        if (str_starts(s, "<!--")) {
            if (!skip_past(&s, "-->")) return false;
        } else if (str_starts(s, "<?") || str_starts(s, "<!")) {
            if (!skip_past(&s, ">")) return false;
        } else
            break;
    }
    size_t end;
    if (!str_starts(s, "<svg") || s.len < 5 || (!is_space(s.ptr[4]) && s.ptr[4] != '>'))
        return false;
    if (!str_find_char(s, '>', &end)) end = s.len;
    *tag = str_slice(s, 4, end);
    return true;
}

static bool find_attribute(struct str tag, const char *name, struct str *value) {
    size_t at, end;
    while (str_find(tag, name, &at)) {
        bool free = at && is_space(tag.ptr[at - 1]);
        tag = str_slice(tag, at + strlen(name), tag.len);
        struct str rest = str_trim(tag);
        if (!free || !str_starts(rest, "=")) continue;
        rest = str_trim(str_slice(rest, 1, rest.len));
        if (!rest.len || (*rest.ptr != '"' && *rest.ptr != '\'')) continue;
        char quote = *rest.ptr;
        rest = str_slice(rest, 1, rest.len);
        if (!str_find_char(rest, quote, &end)) return false;
        *value = str_trim(str_slice(rest, 0, end));
        return true;
    }
    return false;
}

/* A number off the front of *s, read without the locale; negative when there is none.
 */
static double cut_number(struct str *s) {
    double n = 0, unit = 1;
    size_t i = 0;
    while (i < s->len && s->ptr[i] >= '0' && s->ptr[i] <= '9' && n < 1e9)
        n = n * 10 + (s->ptr[i++] - '0');
    bool any = i > 0;
    if (i < s->len && s->ptr[i] == '.')
        for (i++; i < s->len && s->ptr[i] >= '0' && s->ptr[i] <= '9'; i++, any = true)
            n += (s->ptr[i] - '0') * (unit /= 10);
    *s = str_slice(*s, i, s->len);
    return any ? n : -1;
}

static unsigned svg_length(struct str tag, const char *name) {
    struct str value;
    if (!find_attribute(tag, name, &value)) return 0;
    double n = cut_number(&value);
    if ((value.len && !str_is(value, "px")) || n < 0.5 || n > 65535) return 0;
    return (unsigned)(n + 0.5);
}

static bool svg_view_box(struct str tag, double *width, double *height) {
    struct str value;
    double n[4];
    if (!find_attribute(tag, "viewBox", &value)) return false;
    for (int i = 0; i < 4; i++) {
        while (value.len && (is_space(*value.ptr) || *value.ptr == ','))
            value = str_slice(value, 1, value.len);
        if (i < 2 && value.len && *value.ptr == '-')
            value = str_slice(value, 1, value.len);
        n[i] = cut_number(&value);
    }
    *width = n[2];
    *height = n[3];
    return n[2] > 0 && n[3] > 0 && n[2] <= 65535 && n[3] <= 65535;
}

/* A missing side follows from the view box. */
static bool read_svg(struct str tag, struct image_info *out) {
    unsigned width = svg_length(tag, "width"), height = svg_length(tag, "height");
    double w, h;
    if ((!width || !height) && svg_view_box(tag, &w, &h)) {
        double scale = width ? width / w : height ? height / h : 1;
        if (w * scale > 65535 || h * scale > 65535) scale = 1;
        width = (unsigned)(w * scale + 0.5);
        height = (unsigned)(h * scale + 0.5);
    }
    return set(out, "image/svg+xml", width, height);
}

bool image_info(struct str head, struct image_info *out) {
    struct str tag;
    *out = (struct image_info){0};
    if (holds(head, 0, "\x89PNG\r\n\x1A\n", 8))
        return set(out, "image/png", big32(head, 16), big32(head, 20));
    if (holds(head, 0, "GIF87a", 6) || holds(head, 0, "GIF89a", 6))
        return set(out, "image/gif", little16(head, 6), little16(head, 8));
    if (holds(head, 0, "\xFF\xD8\xFF", 3)) return read_jpeg(head, out);
    if (holds(head, 0, "RIFF", 4) && holds(head, 8, "WEBP", 4))
        return read_webp(head, out);
    if (holds(head, 0, "\0\0\1\0", 4)) return read_icon(head, out);
    if (holds(head, 4, "ftypavif", 8) || holds(head, 4, "ftypavis", 8))
        return read_avif(head, out);
    return find_svg_tag(head, &tag) && read_svg(tag, out);
}
