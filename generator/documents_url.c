/* Finds http(s) URLs in Markdown, JSON strings, anything. */
#include <string.h>
#include <strings.h>

#include "generator/documents.h"

static bool is_word(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Ends a URL wherever it stands; braces stay, they are placeholders of a path. */
static bool ends_url(char c) {
    return (unsigned char)c <= ' ' || strchr("\"<>`|\\^)]", c) != NULL;
}

static bool ends_authority(char c) {
    return ends_url(c) || strchr("/?#'(*[", c) != NULL;
}

static size_t scheme_length(struct str text, size_t at) {
    static const char *const schemes[] = {"https://", "http://"};
    if (at > 0 && is_word(text.ptr[at - 1])) return 0;
    for (size_t i = 0; i < 2; i++) {
        size_t n = strlen(schemes[i]);
        if (text.len - at >= n && strncasecmp(text.ptr + at, schemes[i], n) == 0)
            return n;
    }
    return 0;
}

/* Commas and stops belong to the sentence around the URL. */
static size_t trimmed_end(struct str text, size_t from, size_t end) {
    while (end > from && strchr(".,;:!?'*_", text.ptr[end - 1])) end--;
    size_t brace;
    if (end > from && text.ptr[end - 1] == '}' &&
        !str_find_char(str_slice(text, from, end), '{', &brace))
        return trimmed_end(text, from, end - 1);
    return end;
}

static struct str host_of(struct str authority) {
    size_t at;
    while (str_find_char(authority, '@', &at))
        authority = str_slice(authority, at + 1, authority.len);
    if (str_find_char(authority, ':', &at)) authority = str_slice(authority, 0, at);
    return authority;
}

static struct str path_of(struct str rest) {
    size_t at;
    if (str_find_char(rest, '#', &at)) rest = str_slice(rest, 0, at);
    if (str_find_char(rest, '?', &at)) rest = str_slice(rest, 0, at);
    return rest.len > 0 ? rest : STR("/");
}

bool document_url_next(struct str text, size_t *from, struct document_url *out) {
    for (size_t at = *from; at < text.len; at++) {
        size_t scheme = scheme_length(text, at);
        if (scheme == 0) continue;
        size_t host_at = at + scheme, end = host_at;
        while (end < text.len && !ends_authority(text.ptr[end])) end++;
        size_t host_end = end;
        if (end < text.len && strchr("/?#", text.ptr[end]))
            while (end < text.len && !ends_url(text.ptr[end])) end++;
        end = trimmed_end(text, host_at, end);
        if (host_end > end) host_end = end;
        *from = end;
        out->url = str_slice(text, at, end);
        out->host = host_of(str_slice(text, host_at, host_end));
        out->rest = str_slice(text, host_end, end);
        out->path = path_of(out->rest);
        out->secure = scheme == strlen("https://");
        out->at = at;
        return true;
    }
    *from = text.len;
    return false;
}
