/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "test.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static int         passed, failed, skipped;
static bool        ok, skip;
static const char *filter;

void test_begin(int argc, char **argv)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    filter = argc > 1 ? argv[1] : NULL;
}

int test_end(void)
{
    if (passed + failed + skipped == 0) {
        printf("no test begins with '%s'\n", filter ? filter : "");
        failed++;
    }
    printf("%d passed, %d failed", passed, failed);
    if (skipped)
        printf(", %d skipped", skipped);
    printf("\n");
    return failed ? 1 : passed ? 0 : 77;
}

void test_run(const char *name, void (*function)(void))
{
    if (filter && strncmp(name, filter, strlen(filter)) != 0)
        return;
    ok = true;
    skip = false;
    function();
    if (skip && ok)
        skipped++;
    else if (ok)
        passed++;
    else
        failed++;
    printf("%s %s\n", !ok ? "FAIL" : skip ? "skip" : "ok  ", name);
}

void test_skip(const char *why)
{
    skip = true;
    printf("     skipped: %s\n", why);
}

bool test_check(bool condition, const char *what, const char *file, int line)
{
    if (!condition) {
        ok = false;
        printf("     %s:%d: not so: %s\n", file, line, what);
    }
    return condition;
}

bool test_check_string(const char *got, const char *want, const char *file, int line)
{
    bool same = got && want ? strcmp(got, want) == 0 : got == want;
    if (!same) {
        ok = false;
        printf("     %s:%d: got  '%s'\n     want '%s'\n", file, line, got ? got : "(null)",
               want ? want : "(null)");
    }
    return same;
}

bool test_check_int(long long got, long long want, const char *what, const char *file, int line)
{
    if (got != want) {
        ok = false;
        printf("     %s:%d: %s is %lld, want %lld\n", file, line, what, got, want);
    }
    return got == want;
}

static double error_of(float got, float want)
{
    double error = fabs((double)got - want) / fmax(1, fabs((double)want));
    return isnan(error) && !(isinf(got) && got == want) ? INFINITY : error;
}

double test_worst(const float *got, const float *want, size_t count)
{
    double worst = 0;
    for (size_t i = 0; i < count; i++)
        worst = fmax(worst, error_of(got[i], want[i]));
    return worst;
}

bool test_check_near(const float *got, const float *want, size_t count, double bound,
                     const char *what, const char *file, int line)
{
    double worst = -1;
    size_t at = 0;
    for (size_t i = 0; i < count; i++) {
        double error = error_of(got[i], want[i]);
        if (error > worst) {
            worst = error;
            at = i;
        }
    }
    if (!(worst <= bound)) {
        ok = false;
        printf("     %s:%d: %s[%zu] is %.9g, want %.9g: off by %.3g, bound %.3g\n", file, line,
               what, at, (double)got[at], (double)want[at], worst, bound);
        return false;
    }
    printf("     %s: worst %.2g of %.2g\n", what, worst < 0 ? 0 : worst, bound);
    return true;
}
