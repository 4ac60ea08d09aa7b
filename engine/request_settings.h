/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The settings of an EngineRequest, one row each: how it is called, what it may be, what it is when
 * nobody says otherwise.
 *
 * Rows drive the ranges that engine_generate() checks, the command line and its help, and the text
 * that goes into PNG files (recipe.h).  To add a setting: a field in engine.h, a row in
 * run/request_settings.c, and the place that obeys it. */
#pragma once

#include "engine.h"

typedef enum {
    REQUEST_WHOLE,  /* int */
    REQUEST_SEED,   /* uint64_t, all of its range */
    REQUEST_NUMBER, /* float */
    REQUEST_CHOICE, /* an enum */
    REQUEST_TILES,  /* two bools side by side, as EngineTile */
} RequestType;

/* What a setting belongs to. */
typedef enum {
    REQUEST_MAKE,     /* what to make */
    REQUEST_HOW,      /* how */
    REQUEST_SIZE,     /* pictures from text alone: the others keep the size of theirs */
    REQUEST_PICTURE,  /* pictures from a picture */
    REQUEST_INSTRUCT, /* pictures from a picture, by an instruction */
} RequestGroup;

typedef struct {
    const char   *option;      /* "cfg": --cfg */
    const char   *noun;        /* "guidance scale": what sentences call it */
    RequestType   type;
    RequestGroup  group;
    size_t        offset;      /* of the field in EngineRequest */
    double        least, most; /* both allowed; of a choice: the list's */
    double        usual;       /* the value when nothing is said */
    const Choice *choices;     /* REQUEST_CHOICE, REQUEST_TILES */
    const char   *key;         /* in A1111's text; NULL: not written */
    bool          always;      /* is written also when it is as usual */
    const char   *argument;    /* what help calls the value: "N" */
    const char   *help;        /* without range and default, which are added; NULL: just those */
} RequestSetting;

enum { REQUEST_SETTING_COUNT = 16 };

/* In the order of help and of A1111's text. */
extern const RequestSetting request_settings[REQUEST_SETTING_COUNT];

/* The row of a field: request_setting_of(offsetof(EngineRequest, cfg)); never NULL. */
const RequestSetting *request_setting_of(size_t offset);

/* Numbers as they are (a seed loses what a double does not hold), choices by number. */
double request_setting_get(const EngineRequest *request, const RequestSetting *setting);
void   request_setting_set(EngineRequest *request, const RequestSetting *setting, double value);
void   request_setting_copy(EngineRequest *to, const EngineRequest *from,
                            const RequestSetting *setting);
bool   request_setting_is_usual(const EngineRequest *request, const RequestSetting *setting);

/* Reads text[0 … bytes) into the field; false, and nothing changed, when it is no value in range. */
bool request_setting_read(EngineRequest *request, const RequestSetting *setting, const char *text,
                          size_t bytes);
/* The value as text: numbers shortest, choices by label or, where `names`, by name. */
void request_setting_write(char *out, size_t size, const EngineRequest *request,
                           const RequestSetting *setting, bool names);

/* "a whole number from 1 to 1000", "one of gpu, cpu". */
void request_setting_range(char *out, size_t size, const RequestSetting *setting);

/* Fails with "The guidance scale is 101; it must be …" for a field outside its range. */
bool request_setting_check(const EngineRequest *request, const RequestSetting *setting,
                           EngineError *error);
