/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tokenizer.h"

#include "../base/utf8.h"
#include "../base/unicode.h"
#include "vocabulary.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum {
    MERGE_COUNT = sizeof merges / sizeof *merges,
    BYTE_TOKENS = 256,             /* ids of bytes inside a word … */
    WORD_TOKENS = 2 * BYTE_TOKENS, /* … then of bytes at its end, then one id a merge */
    SLOT_BITS = 17,
    SLOT_COUNT = 1 << SLOT_BITS,
    NO_RANK = 0xffff,
    TEXT_BYTES = 1 << 28, /* positions in a word are 32 bits */
};

/* Which rank a pair of ids merges with: open addressing, filled to 37 %. */
typedef struct {
    uint16_t left, right;
    uint16_t rank; /* NO_RANK: empty */
} Slot;

/* A word that a model has besides the vocabulary. */
typedef struct {
    CodeList codes; /* composed, lower case */
    int      id;
} AddedWord;

struct Tokenizer {
    Slot       slots[SLOT_COUNT];
    AddedWord *added; /* [added_count] */
    size_t     added_count;
};

static size_t slot_of(unsigned left, unsigned right)
{
    uint32_t key = (uint32_t)left << 16 | right;
    return (key * 0x9e3779b1u) >> (32 - SLOT_BITS);
}

Tokenizer *tokenizer_create(EngineError *error)
{
    Tokenizer *tokenizer = malloc(sizeof *tokenizer);
    if (!tokenizer) {
        fail(error, ENGINE_OUT_OF_MEMORY, "There is no memory for the tokenizer: %zu bytes.",
             sizeof *tokenizer);
        return NULL;
    }
    tokenizer->added = NULL;
    tokenizer->added_count = 0;
    memset(tokenizer->slots, 0xff, sizeof tokenizer->slots);
    for (unsigned rank = 0; rank < MERGE_COUNT; rank++) {
        size_t i = slot_of(merges[rank][0], merges[rank][1]);
        while (tokenizer->slots[i].rank != NO_RANK)
            i = (i + 1) % SLOT_COUNT;
        tokenizer->slots[i] = (Slot){ merges[rank][0], merges[rank][1], (uint16_t)rank };
    }
    return tokenizer;
}

void tokenizer_destroy(Tokenizer *tokenizer)
{
    for (size_t i = 0; tokenizer && i < tokenizer->added_count; i++)
        code_list_clear(&tokenizer->added[i].codes);
    if (tokenizer)
        free(tokenizer->added);
    free(tokenizer);
}

static unsigned merge_rank(const Tokenizer *tokenizer, unsigned left, unsigned right)
{
    const Slot *slot = tokenizer->slots;
    size_t      i = slot_of(left, right);
    while (slot[i].rank != NO_RANK && (slot[i].left != left || slot[i].right != right))
        i = (i + 1) % SLOT_COUNT;
    return slot[i].rank;
}

/* ---- one word ---------------------------------------------------------------------------- */

/* A word while its bytes grow together: a chain of ids, and a heap of the pairs that can merge, the
 * lowest rank first and then the leftmost: n log n for a word of n bytes, where looking through the
 * word for each merge would be n squared. */
typedef struct {
    uint32_t *ids, *previous, *next; /* [bytes]; where the chain ends, next is count */
    uint64_t *heap;                  /* [3 bytes] rank << 32 | position of the left one */
    size_t    count, heap_count, capacity;
} Word;

enum { DEAD = UINT16_MAX }; /* the id of one that has been merged into its left neighbour */

static bool word_reserve(Word *word, size_t bytes)
{
    if (bytes <= word->capacity)
        return true;
    free(word->ids);
    free(word->heap);
    *word = (Word){ 0 };
    size_t capacity = bytes < 64 ? 64 : bytes;
    word->ids = malloc(3 * capacity * sizeof *word->ids);
    word->heap = malloc(3 * capacity * sizeof *word->heap);
    if (!word->ids || !word->heap)
        return false;
    word->previous = word->ids + capacity;
    word->next = word->previous + capacity;
    word->capacity = capacity;
    return true;
}

static void heap_push(Word *word, uint64_t entry)
{
    assert(word->heap_count < 3 * word->capacity);
    size_t i = word->heap_count++;
    while (i > 0 && word->heap[(i - 1) / 2] > entry) {
        word->heap[i] = word->heap[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    word->heap[i] = entry;
}

static uint64_t heap_pop(Word *word)
{
    uint64_t top = word->heap[0], last = word->heap[--word->heap_count];
    size_t   i = 0, child;
    while ((child = 2 * i + 1) < word->heap_count) {
        if (child + 1 < word->heap_count && word->heap[child + 1] < word->heap[child])
            child++;
        if (last <= word->heap[child])
            break;
        word->heap[i] = word->heap[child];
        i = child;
    }
    word->heap[i] = last;
    return top;
}

static void push_pair(Word *word, const Tokenizer *tokenizer, size_t left)
{
    size_t right = word->next[left];
    if (right == word->count)
        return;
    unsigned rank = merge_rank(tokenizer, word->ids[left], word->ids[right]);
    if (rank != NO_RANK)
        heap_push(word, (uint64_t)rank << 32 | left);
}

/* Starts with a pair an id and gains at most two a merge, of which there are fewer than bytes: the
 * heap never holds more than three a byte. */
static void word_merge(Word *word, const Tokenizer *tokenizer)
{
    word->heap_count = 0;
    for (size_t i = 0; i < word->count; i++) {
        word->previous[i] = (uint32_t)(i - 1);
        word->next[i] = (uint32_t)(i + 1);
    }
    for (size_t i = 0; i < word->count; i++)
        push_pair(word, tokenizer, i);
    while (word->heap_count > 0) {
        uint64_t entry = heap_pop(word);
        uint32_t left = (uint32_t)entry, rank = (uint32_t)(entry >> 32);
        uint32_t right = word->next[left];
        /* One of the two may have merged with another since. */
        if (word->ids[left] != merges[rank][0] || right == word->count ||
            word->ids[right] != merges[rank][1])
            continue;
        word->ids[left] = WORD_TOKENS + rank;
        word->ids[right] = DEAD;
        word->next[left] = word->next[right];
        if (word->next[left] < word->count)
            word->previous[word->next[left]] = left;
        push_pair(word, tokenizer, left);
        if (left > 0)
            push_pair(word, tokenizer, word->previous[left]);
    }
}

/* ---- lists ------------------------------------------------------------------------------- */

void token_list_clear(TokenList *list)
{
    free(list->ids);
    *list = (TokenList){ 0 };
}

static bool token_list_reserve(TokenList *list, size_t more)
{
    if (list->capacity - list->count >= more)
        return true;
    size_t capacity = 2 * (list->count + more);
    int   *ids = realloc(list->ids, capacity * sizeof *ids);
    if (!ids)
        return false;
    list->ids = ids;
    list->capacity = capacity;
    return true;
}

static bool append_word(TokenList *list, const Tokenizer *tokenizer, Word *word,
                        const uint32_t *codes, size_t count)
{
    char   utf8[4];
    size_t bytes = 0;
    for (size_t i = 0; i < count; i++)
        bytes += utf8_write(utf8, codes[i]);
    if (!word_reserve(word, bytes))
        return false;
    word->count = 0;
    for (size_t i = 0; i < count; i++) {
        size_t length = utf8_write(utf8, codes[i]);
        for (size_t k = 0; k < length; k++)
            word->ids[word->count++] = byte_ids[(unsigned char)utf8[k]];
    }
    word->ids[word->count - 1] += BYTE_TOKENS;
    word_merge(word, tokenizer);
    if (!token_list_reserve(list, word->count))
        return false;
    for (size_t i = 0; i < word->count; i = word->next[i])
        list->ids[list->count++] = (int)word->ids[i];
    return true;
}

/* ---- text to words ----------------------------------------------------------------------- */

/* Composed, lower case.  White space needs no folding: it only ever parts words. */
static bool normalize(CodeList *out, const char *text, size_t bytes)
{
    CodeList composed = { 0 };
    bool     ok = unicode_compose(&composed, text, bytes);
    /* Only U+0130 grows, to two. */
    out->codes = ok ? malloc((2 * composed.count + 1) * sizeof *out->codes) : NULL;
    for (size_t i = 0; out->codes && i < composed.count; i++)
        out->count += (size_t)unicode_lower(out->codes + out->count, composed.codes[i]);
    code_list_clear(&composed);
    return out->codes != NULL;
}

static bool begins_with(const uint32_t *codes, size_t count, const char *ascii)
{
    size_t i = 0;
    while (ascii[i] && i < count && codes[i] == (unsigned char)ascii[i])
        i++;
    return !ascii[i];
}

/* Code points of a start or end mark at codes[0], 0: none.  Typed by a person it is text, but
 * parted from what follows, as the reference does when told (split_special_tokens) that it is text.
 */
static size_t mark_length(const uint32_t *codes, size_t count)
{
    static const char *const marks[] = { "<|startoftext|>", "<|endoftext|>" };
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
        if (begins_with(codes, count, marks[i]))
            return strlen(marks[i]);
    return 0;
}

/* How many code points the word at codes[0] has, which is no white space:
 *   's|'t|'re|'ve|'m|'ll|'d|\p{L}+|\p{N}|[^\s\p{L}\p{N}]+ */
static size_t word_length(const uint32_t *codes, size_t count)
{
    static const char *const endings[] = { "'s", "'t", "'re", "'ve", "'m", "'ll", "'d" };
    for (size_t i = 0; codes[0] == '\'' && i < sizeof endings / sizeof *endings; i++)
        if (begins_with(codes, count, endings[i]))
            return strlen(endings[i]);
    if (unicode_is_number(codes[0]))
        return 1;
    bool   letter = unicode_is_letter(codes[0]);
    size_t length = 1;
    while (length < count && unicode_is_letter(codes[length]) == letter &&
           (letter || (!unicode_is_number(codes[length]) && !unicode_is_space(codes[length]))))
        length++;
    return length;
}

/* Between two words that the model added. */
static bool encode_words(TokenList *list, const Tokenizer *tokenizer, Word *word, const uint32_t *all,
                         size_t all_count)
{
    size_t border = 0; /* behind the last mark */
    for (size_t i = 0; i < all_count;) {
        const uint32_t *codes = all + i;
        size_t          count = (i < border ? border : all_count) - i;
        if (unicode_is_space(*codes)) {
            i++;
            continue;
        }
        size_t mark = mark_length(codes, count);
        if (mark)
            border = i + (count = mark);
        size_t length = word_length(codes, count);
        if (!append_word(list, tokenizer, word, codes, length))
            return false;
        i += length;
    }
    return true;
}

/* ---- words of the model's own -------------------------------------------------------------- */

bool tokenizer_add(Tokenizer *tokenizer, const char *word, int id, EngineError *error)
{
    CodeList   codes = { 0 };
    AddedWord *added = realloc(tokenizer->added, (tokenizer->added_count + 1) * sizeof *added);
    if (added)
        tokenizer->added = added;
    if (!added || !normalize(&codes, word, strlen(word)))
        return fail(error, ENGINE_OUT_OF_MEMORY, "There is no memory for the model's own words.");
    if (codes.count == 0) {
        code_list_clear(&codes);
        return fail(error, ENGINE_BAD_FILE, "A word that the model adds is empty.");
    }
    added[tokenizer->added_count++] = (AddedWord){ codes, id };
    return true;
}

/* Code points of the text that are this word, 0: it does not stand there.  A space of the word is any white
 * space of the text. */
static size_t added_length(const AddedWord *word, const uint32_t *codes, size_t count)
{
    size_t at = 0;
    for (size_t i = 0; i < word->codes.count; i++) {
        uint32_t code = word->codes.codes[i];
        if (at == count || (code != codes[at] && !(code == ' ' && unicode_is_space(codes[at]))))
            return 0;
        for (at++; code == ' ' && at < count && unicode_is_space(codes[at]);)
            at++;
    }
    return at;
}

/* The leftmost added word from *begin on, the longest that begins there; NULL: none, and *begin is count. */
static const AddedWord *find_added(const Tokenizer *tokenizer, const uint32_t *codes, size_t count,
                                   size_t *begin, size_t *length)
{
    const AddedWord *best = NULL;
    if (tokenizer->added_count == 0)
        *begin = count;
    for (; *begin < count; ++*begin) {
        *length = 0;
        for (size_t i = 0; i < tokenizer->added_count; i++) {
            size_t fits = added_length(&tokenizer->added[i], codes + *begin, count - *begin);
            if (fits > *length) {
                *length = fits;
                best = &tokenizer->added[i];
            }
        }
        if (best)
            return best;
    }
    return NULL;
}

bool tokenizer_encode(const Tokenizer *tokenizer, const char *text, size_t bytes, TokenList *list,
                      EngineError *error)
{
    if (bytes > TEXT_BYTES)
        return fail(error, ENGINE_BAD_REQUEST,
                    "The text has %zu bytes, and no more than %d can be read.", bytes, TEXT_BYTES);
    CodeList text_codes = { 0 };
    Word     word = { 0 };
    bool     ok = normalize(&text_codes, text, bytes);
    for (size_t at = 0; ok && at < text_codes.count;) {
        const uint32_t  *codes = text_codes.codes;
        size_t           begin = at, length = 0;
        const AddedWord *added = find_added(tokenizer, codes, text_codes.count, &begin, &length);
        ok = encode_words(list, tokenizer, &word, codes + at, begin - at) &&
             (!added || token_list_reserve(list, 1));
        if (ok && added)
            list->ids[list->count++] = added->id;
        at = begin + length;
    }
    code_list_clear(&text_codes);
    free(word.ids);
    free(word.heap);
    return ok ||
           fail(error, ENGINE_OUT_OF_MEMORY, "There is no memory for a text of %zu bytes.", bytes);
}
