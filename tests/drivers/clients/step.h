/* What the clients in C have in common: named steps, each of which fails with its first reason. */
#include <stdarg.h>
#include <stdio.h>

static char failure[512];

/* Notes why the step fails; the first reason counts. */
static int fail(const char *format, ...)
{
    if (!failure[0])
    {
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(failure, sizeof failure, format, arguments);
        va_end(arguments);
    }
    return 0;
}
#define EXPECT(condition) do { if (!(condition)) return (void)fail("line %d: " #condition, __LINE__); } while (0)

static int red;
static void step(const char *name, void (*body)(void))
{
    failure[0] = 0;
    body();
    for (char *c = failure; *c; c++) if (*c == '\n') *c = '|';
    if (failure[0]) { red = 1; printf("not ok %s: %s\n", name, failure); }
    else printf("ok %s\n", name);
    fflush(stdout);
}
