int main(void) { return missing(); }
int missing(void);
