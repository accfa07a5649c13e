// The text that the network learns: sentences of a small probabilistic grammar, written for this program.
//
// Every line is of one kind; each asks for something else of a network than its neighbours:
//
//     the old owls near the river that Ada knows sing slowly.      a verb agrees with a noun that stands far away
//     Ben says that he sees the red boat and the green boats.      pronouns agree with names
//     28+7=35; 61-9=52;                                            carries and borrows
//     [b(ad{c}e)f]                                                 brackets close in the order they were opened
//     "molu riva", says Cleo: "molu riva".                         invented words are repeated
//     dcab sorted is abcd.  dcab turned is bacd.                   letters are sorted or turned round
//     count 7 8 9 10 11 12.                                        steps of one, two, three, up or down
//
// Integers only: the same text on every machine. A text is made of its number and length; none is ever a file. Texts
// of different numbers have nothing in common but the grammar. `make text` builds a tool that shows them.
#pragma once

#include "../common/random.hpp"

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

// All characters there are; a character's number is its place here.
constexpr char CHARACTERS[] = "\n !\"'()*+,-.:;=?[]{}0123456789ABCDEFGHabcdefghijklmnopqrstuvwxyz";
constexpr int VOCABULARY = 64;
static_assert(sizeof CHARACTERS == VOCABULARY + 1, "one number per character");

class Grammar {
  public:
    explicit Grammar(uint64_t text) : random_(0x7e870000u + text) {}

    // The first `length` characters of the text.
    std::string text(size_t length) {
        while (text_.size() < length) {
            line();
            text_ += '\n';
        }
        text_.resize(length);
        return text_;
    }

  private:
    struct Noun {
        const char *one, *many;
    };
    struct Verb {
        const char *one, *many; // the fox sleeps, the foxes sleep
    };
    struct Person {
        const char *name, *pronoun;
    };
    using Words = std::vector<const char *>;

    uint32_t below(uint32_t bound) { return random_.below(bound); }
    bool chance(uint32_t percent) { return below(100) < percent; }
    template <typename T> const T &any(const std::vector<T> &list) { return list[below(uint32_t(list.size()))]; }
    void say(const std::string &words) { text_ += words; }
    void number(int value) { text_ += std::to_string(value); }

    void line() {
        uint32_t kind = below(100);
        if (kind < 34) sentence();
        else if (kind < 44) report();
        else if (kind < 59) sums();
        else if (kind < 71) brackets();
        else if (kind < 83) echo();
        else if (kind < 93) letters();
        else count();
    }

    const Person &person() {
        static const std::vector<Person> list = {{"Ada", "she"},  {"Ben", "he"}, {"Cleo", "she"}, {"Dan", "he"},
                                                 {"Elsa", "she"}, {"Finn", "he"}, {"Gus", "he"},  {"Hana", "she"}};
        return any(list);
    }

    // A noun phrase after its article, and whether it is of many.
    bool noun() {
        static const Words adjectives = {"old", "young", "red", "green", "quiet", "tall", "little", "grey"};
        static const std::vector<Noun> nouns = {{"owl", "owls"}, {"fox", "foxes"}, {"child", "children"}, {"boat", "boats"},
                                                {"horse", "horses"}, {"mouse", "mice"}, {"sailor", "sailors"}, {"wolf", "wolves"},
                                                {"baker", "bakers"}, {"goose", "geese"}};
        bool many = chance(50);
        if (chance(35)) say(std::string(any(adjectives)) + " ");
        const Noun &which = any(nouns);
        say(many ? which.many : which.one);
        return many;
    }

    // A subject: the number that its verb must have stands before everything that may come between them.
    bool subject(int depth) {
        static const Words places = {"near", "behind", "under", "beside"};
        static const std::vector<Verb> seen = {{"sees", "see"}, {"hears", "hear"}, {"follows", "follow"}, {"likes", "like"}};
        say("the ");
        bool many = noun();
        uint32_t more = below(100);
        if (depth < 2 && more < 30) {
            say(std::string(" ") + any(places) + " the ");
            noun();
        } else if (depth < 2 && more < 55) {
            say(" that ");
            bool inner = chance(40) ? (say(person().name), false) : subject(depth + 1);
            const Verb &verb = any(seen);
            say(std::string(" ") + (inner ? verb.many : verb.one));
        }
        return many;
    }

    void clause() {
        static const std::vector<Verb> alone = {{"sleeps", "sleep"}, {"sings", "sing"}, {"runs", "run"}, {"waits", "wait"},
                                                {"is here", "are here"}, {"was late", "were late"}, {"has left", "have left"}};
        static const std::vector<Verb> with = {{"finds", "find"}, {"knows", "know"}, {"carries", "carry"}, {"watches", "watch"}};
        static const Words how = {"slowly", "at night", "again", "in the rain", "today"};
        bool many = subject(0);
        if (chance(60)) {
            const Verb &verb = any(alone);
            say(std::string(" ") + (many ? verb.many : verb.one));
            if (chance(40)) say(std::string(" ") + any(how));
        } else {
            const Verb &verb = any(with);
            say(std::string(" ") + (many ? verb.many : verb.one) + " the ");
            noun();
        }
    }

    void sentence() {
        clause();
        if (chance(25)) {
            say(chance(50) ? " and " : ", but ");
            clause();
        }
        say(chance(90) ? "." : "!");
    }

    // What a person says of himself or herself.
    void report() {
        static const Words says = {"says", "thinks", "hopes", "knows"};
        static const Words state = {"is tired", "was wrong", "sees", "has found", "can hear", "will follow"};
        const Person &who = person();
        say(std::string(who.name) + " " + any(says) + " that " + who.pronoun + " ");
        uint32_t which = below(uint32_t(state.size()));
        say(state[which]);
        if (which >= 2) {
            say(" the ");
            noun();
            if (chance(30)) say(std::string(", and so does ") + person().name);
        }
        say(".");
    }

    void sums() {
        int many = 2 + int(below(4));
        for (int i = 0; i < many; i++) {
            int a = int(below(chance(50) ? 10 : 90)) + 1, b = int(below(chance(70) ? 9 : 60)) + 1;
            if (chance(35)) {
                if (a < b) std::swap(a, b);
                number(a), say("-"), number(b), say("="), number(a - b);
            } else if (chance(25)) {
                a = a % 9 + 1, b = b % 9 + 1;
                number(a), say("*"), number(b), say("="), number(a * b);
            } else {
                number(a), say("+"), number(b), say("="), number(a + b);
            }
            say(i + 1 < many ? "; " : ";");
        }
    }

    void nest(int depth) {
        static const Words pairs = {"()", "[]", "{}"};
        const char *pair = any(pairs);
        text_ += pair[0];
        int parts = 1 + int(below(2));
        for (int i = 0; i < parts; i++) {
            if (depth < 5 && chance(62 - 6 * uint32_t(depth))) nest(depth + 1);
            else text_ += char('a' + below(6));
        }
        text_ += pair[1];
    }

    void brackets() {
        nest(0);
        if (chance(30)) nest(1);
    }

    std::string word() {
        static const char consonants[] = "bdfklmnprstvz", vowels[] = "aeiou";
        std::string word;
        for (uint32_t syllables = 2 + below(2); syllables > 0; syllables--) {
            word += consonants[below(sizeof consonants - 1)];
            word += vowels[below(sizeof vowels - 1)];
        }
        return word;
    }

    void echo() {
        std::string words = word();
        if (chance(50)) words += " " + word();
        const char *mark = chance(60) ? "\"" : "'";
        std::string quoted = mark + words + mark;
        if (chance(50)) {
            say(quoted + ", says " + person().name + ": " + quoted + ".");
        } else {
            const Person &one = person(), *two = &person();
            while (two == &one) two = &person();
            const Person &other = *two;
            say(std::string(one.name) + " asks " + other.name + ": what is " + quoted + "? " + other.name + " asks " + one.name +
                ": what is " + quoted + "?");
        }
    }

    void letters() {
        std::string set;
        uint32_t size = 3 + below(4);
        while (set.size() < size) {
            char letter = char('a' + below(12));
            if (set.find(letter) == std::string::npos) set += letter;
        }
        std::string answer = set;
        bool turned = chance(50);
        if (turned) std::reverse(answer.begin(), answer.end());
        else std::sort(answer.begin(), answer.end());
        say(set + (turned ? " turned is " : " sorted is ") + answer + ".");
    }

    void count() {
        int step = 1 + int(below(3)), from = int(below(80)) + 1, terms = 5 + int(below(4));
        bool down = chance(40);
        if (down) from += step * terms;
        say(down ? "count down" : "count");
        for (int i = 0; i < terms; i++) {
            say(" ");
            number(down ? from - step * i : from + step * i);
        }
        say(".");
    }

    Random random_;
    std::string text_;
};

// A text as numbers of characters.
inline std::vector<int> encoded_text(uint64_t text, size_t length) {
    int number[256] = {};
    for (int i = 0; i < VOCABULARY; i++) number[uint8_t(CHARACTERS[i])] = i;
    std::vector<int> numbers;
    numbers.reserve(length);
    for (char character : Grammar(text).text(length)) numbers.push_back(number[uint8_t(character)]);
    return numbers;
}

// The held-out text has a number that no epoch has: an epoch's text has the number of the epoch, from 0.
constexpr uint64_t TEST_TEXT = 1u << 30;
