/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "files/picture_file.h"
#include "test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *path_of(const char *name)
{
    static char path[128];
    snprintf(path, sizeof path, "/tmp/test-png-%d-%s", (int)getpid(), name);
    return path;
}

static void write_and_read(int channels, const char *parameters)
{
    enum { WIDTH = 13, HEIGHT = 7 };
    float         pixels[WIDTH * HEIGHT * 4];
    EnginePicture picture = { WIDTH, HEIGHT, channels, pixels }, back = { 0 };
    EngineError   error = { 0 };
    char         *text = NULL;
    const char   *path = path_of("round.png");
    for (int i = 0; i < WIDTH * HEIGHT * channels; i++)
        pixels[i] = (float)(i * 37 % 256) / 255;
    if (!CHECK(picture_file_write(path, &picture, parameters, &error)) ||
        !CHECK(picture_file_read(path, &back, &text, 0, &error))) {
        printf("     %s\n", error.message);
        return;
    }
    CHECK_INT(back.width, WIDTH);
    CHECK_INT(back.height, HEIGHT);
    CHECK_INT(back.channels, 4);
    float worst = 0;
    for (int i = 0; i < WIDTH * HEIGHT; i++)
        for (int c = 0; c < 4; c++) {
            float want = c == 3 ? (channels == 4 ? pixels[4 * i + 3] : 1)
                                : pixels[channels * i + (channels == 1 ? 0 : c)];
            worst = fmaxf(worst, fabsf(back.pixels[4 * i + c] - want));
        }
    CHECK(worst < 1e-6f);
    CHECK_STRING(text, parameters);
    free(text);
    engine_picture_clear(&back);
    unlink(path);
}

static void grey_rgb_and_rgba_come_back_as_they_were(void)
{
    write_and_read(1, NULL);
    write_and_read(3, NULL);
    write_and_read(4, NULL);
}

static void parameters_come_back_in_any_language(void)
{
    write_and_read(3, "a dog\nNegative prompt: bad\nSteps: 20, Seed: 1");
    write_and_read(3, "ein Käfer");
    write_and_read(3, "犬、🐶");
}

static void values_out_of_range_are_clamped(void)
{
    float         pixels[3] = { -2, 7, 0.5f };
    EnginePicture picture = { 1, 1, 3, pixels }, back = { 0 };
    EngineError   error = { 0 };
    const char   *path = path_of("clamp.png");
    CHECK(picture_file_write(path, &picture, NULL, &error));
    CHECK(picture_file_read(path, &back, NULL, 0, &error));
    CHECK(back.pixels && back.pixels[0] == 0 && back.pixels[1] == 1);
    engine_picture_clear(&back);
    unlink(path);
}

static void damaged_files_are_refused_and_leave_the_picture_empty(void)
{
    float         pixels[16 * 16 * 3] = { 0 };
    EnginePicture picture = { 16, 16, 3, pixels };
    EngineError   error = { 0 };
    const char   *path = path_of("cut.png");
    CHECK(picture_file_write(path, &picture, NULL, &error));
    FILE *file = fopen(path, "rb");
    char  bytes[4096];
    size_t size = file ? fread(bytes, 1, sizeof bytes, file) : 0;
    if (file)
        fclose(file);
    unlink(path);
    CHECK(size > 60);
    for (size_t cut = 0; cut + 12 < size; cut++) { /* the last chunk holds nothing */
        EnginePicture back = { 0 };
        EngineError   why = { 0 };
        char         *exact = malloc(cut ? cut : 1);
        memcpy(exact, bytes, cut);
        CHECK(!picture_file_read_memory("cut", exact, cut, &back, NULL, 0, &why));
        CHECK(back.pixels == NULL && why.message[0]);
        free(exact);
    }
}

static void a_place_that_cannot_be_written_is_said(void)
{
    float         pixels[3] = { 0 };
    EnginePicture picture = { 1, 1, 3, pixels };
    EngineError   error = { 0 };
    CHECK(!picture_file_write("/no/such/folder/x.png", &picture, NULL, &error));
    CHECK(strstr(error.message, "/no/such/folder/x.png") != NULL);
}

int main(int argc, char **argv)
{
    test_begin(argc, argv);
    RUN(grey_rgb_and_rgba_come_back_as_they_were);
    RUN(parameters_come_back_in_any_language);
    RUN(values_out_of_range_are_clamped);
    RUN(damaged_files_are_refused_and_leave_the_picture_empty);
    RUN(a_place_that_cannot_be_written_is_said);
    return test_end();
}
