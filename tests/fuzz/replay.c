/* replay: runs one fuzz target over the files that are given, without a fuzzer: each file, and each of its
 * beginnings, since cut-off input is what breaks parsers most. Prints how many inputs that were. */
#include "config.h"

#include "fuzz.h"

#define LARGEST_INPUT 65536

/* The input in memory of exactly its size, so that a sanitizer sees a read beyond it. */
static void run(const uint8_t *bytes, size_t size)
{
    uint8_t *exact = malloc(size > 0 ? size : 1);
    check(exact != NULL);
    memcpy(exact, bytes, size);
    LLVMFuzzerTestOneInput(exact, size);
    free(exact);
}

static unsigned long replay(const char *path)
{
    static uint8_t bytes[LARGEST_INPUT];
    FILE *f = fopen(path, "re");
    if (f == NULL) {
        perror(path);
        exit(1);
    }
    size_t size = fread(bytes, 1, sizeof(bytes), f);
    if (ferror(f) || fgetc(f) != EOF) {
        fprintf(stderr, "%s: cannot be read, or is larger than %d bytes\n", path, LARGEST_INPUT);
        exit(1);
    }
    fclose(f);
    for (size_t n = 0; n <= size; n++)
        run(bytes, n);
    return size + 1;
}

int main(int argc, char **argv)
{
    unsigned long inputs = 0;
    for (int i = 1; i < argc; i++)
        inputs += replay(argv[i]);
    printf("%d files, %lu inputs\n", argc - 1, inputs);
    return argc > 1 ? 0 : 1;
}
