//#status: 134
#include "../show.h"
int main(void) { puts("before"); abort(); }
