// The command line every program here understands, and the errors that are the user's to mend.
//
//     PROG -train EPOCHS WEIGHTS_OUT
//     PROG -train-increment START_EPOCH END_EPOCH WEIGHTS_IN WEIGHTS_OUT
//     PROG -test WEIGHTS_IN
//
// Exit codes: 0 done, 1 a CUDA call failed, 2 a data, weights or answers file is missing or unusable,
// 64 wrong usage.
#pragma once

#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

// Ends the program because of a file: says what is wrong and what to do about it. Exit code 2.
[[noreturn]] inline void data_error(const char *format, ...) {
    fflush(stdout);
    va_list arguments;
    va_start(arguments, format);
    fputs("error: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    exit(2);
}

// What the user asked for.
struct Command {
    enum Mode { Train, Test } mode = Test;
    int start_epoch = 0;      // epochs already done
    int end_epoch = 0;        // epochs done when training ends
    std::string weights_in;   // empty: start from the fixed seed
    std::string weights_out;
};

[[noreturn]] inline void usage_error(const char *program, const char *problem) {
    fprintf(stderr,
            "error: %s\n"
            "usage: %s -train EPOCHS WEIGHTS_OUT\n"
            "       %s -train-increment START_EPOCH END_EPOCH WEIGHTS_IN WEIGHTS_OUT\n"
            "       %s -test WEIGHTS_IN\n"
            "START_EPOCH is the number of epochs that WEIGHTS_IN has seen, END_EPOCH the number it shall have seen.\n",
            problem, program, program, program);
    exit(64);
}

// A whole decimal number from 0 to a million, or wrong usage.
inline int parse_count(const char *program, const char *text, const char *what) {
    char *end = nullptr;
    errno = 0;
    long value = strtol(text, &end, 10);
    if (end == text || *end != '\0' || errno != 0 || value < 0 || value > 1000000) {
        std::string problem = std::string(what) + " is '" + text + "', expected a whole number from 0 to 1000000";
        usage_error(program, problem.c_str());
    }
    return static_cast<int>(value);
}

inline Command parse_command(int argc, char **argv) {
    const char *program = argc > 0 ? argv[0] : "program";
    Command command;
    if (argc < 2) usage_error(program, "no stage given");
    if (strcmp(argv[1], "-train") == 0) {
        if (argc != 4) usage_error(program, "-train takes EPOCHS and WEIGHTS_OUT");
        command.mode = Command::Train;
        command.end_epoch = parse_count(program, argv[2], "EPOCHS");
        command.weights_out = argv[3];
    } else if (strcmp(argv[1], "-train-increment") == 0) {
        if (argc != 6) usage_error(program, "-train-increment takes START_EPOCH, END_EPOCH, WEIGHTS_IN and WEIGHTS_OUT");
        command.mode = Command::Train;
        command.start_epoch = parse_count(program, argv[2], "START_EPOCH");
        command.end_epoch = parse_count(program, argv[3], "END_EPOCH");
        if (command.end_epoch < command.start_epoch) usage_error(program, "END_EPOCH lies before START_EPOCH");
        command.weights_in = argv[4];
        command.weights_out = argv[5];
    } else if (strcmp(argv[1], "-test") == 0) {
        if (argc != 3) usage_error(program, "-test takes WEIGHTS_IN");
        command.weights_in = argv[2];
    } else {
        std::string problem = std::string("unknown stage '") + argv[1] + "'";
        usage_error(program, problem.c_str());
    }
    return command;
}

// The answers of a test, in order: '1' right, '0' wrong. Writes them into the file that VERNIER_ANSWERS names, if it does.
inline void write_answers(const std::string &answers) {
    const char *path = getenv("VERNIER_ANSWERS");
    if (path == nullptr || *path == '\0') return;
    FILE *out = fopen(path, "wb");
    if (out == nullptr) data_error("%s: cannot write the answers (VERNIER_ANSWERS): %s", path, strerror(errno));
    setvbuf(out, nullptr, _IONBF, 0);
    bool written = fwrite(answers.data(), 1, answers.size(), out) == answers.size();
    int reason = errno;
    if (fclose(out) != 0 && written) {
        written = false;
        reason = errno;
    }
    if (!written) data_error("%s: cannot write the answers (VERNIER_ANSWERS): %s", path, strerror(reason));
}

// Images to use: all, or the first N when the environment variable `name` holds N (for a quick look under simulation).
inline int image_limit(const char *program, const char *name, int all) {
    const char *text = getenv(name);
    if (text == nullptr || *text == '\0') return all;
    int limit = parse_count(program, text, name);
    if (limit == 0) usage_error(program, (std::string(name) + " is 0: nothing would be computed").c_str());
    return limit < all ? limit : all;
}
