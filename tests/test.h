/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The test harness.  A test is a function whose name is a statement:
 *
 *   static void rewind_gives_back_memory(void) { CHECK(...); }
 *   int main(int argc, char **argv)
 *   {
 *       test_begin(argc, argv);
 *       RUN(rewind_gives_back_memory);
 *       return test_end();
 *   }
 *
 * An argument is a prefix: only tests whose name begins with it run; one that matches nothing fails.
 * The last line is "N passed, N failed" (", N skipped" when there are any). */
#pragma once

#include <stdbool.h>
#include <stddef.h>

void test_begin(int argc, char **argv);
int  test_end(void); /* exit status: 0, 1, or 77 when all was skipped */
void test_run(const char *name, void (*function)(void));
void test_skip(const char *why); /* marks the running test as skipped; return after it */

bool test_check(bool ok, const char *what, const char *file, int line);
bool test_check_string(const char *got, const char *want, const char *file, int line);
bool test_check_int(long long got, long long want, const char *what, const char *file, int line);
/* |got - want| <= bound * max(1, |want|) for every element; prints the worst; NaN fails. */
bool test_check_near(const float *got, const float *want, size_t count, double bound,
                     const char *what, const char *file, int line);
/* The worst error that test_check_near() would see, for reports. */
double test_worst(const float *got, const float *want, size_t count);

#define RUN(function) test_run(#function, function)
#define CHECK(condition) test_check((condition), #condition, __FILE__, __LINE__)
#define CHECK_STRING(got, want) test_check_string((got), (want), __FILE__, __LINE__)
#define CHECK_INT(got, want) test_check_int((got), (want), #got, __FILE__, __LINE__)
#define CHECK_NEAR(got, want, count, bound) \
    test_check_near((got), (want), (count), (bound), #got, __FILE__, __LINE__)
