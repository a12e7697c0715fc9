// Random linear and mixed-integer programs, each solved in every way that HiGHS has, and an infeasible and an unbounded one.
#include "Highs.h"

#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

static uint64_t state = 88172645463325252u;

static unsigned below(unsigned bound) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (unsigned)(state >> 33) % bound;
}

// Cover `rows` demands at the least cost; every column helps with several.
static HighsLp covering(int columns, int rows, bool integer) {
    HighsLp lp;
    lp.num_col_ = columns;
    lp.num_row_ = rows;
    lp.a_matrix_.format_ = MatrixFormat::kColwise;
    for (int column = 0; column < columns; ++column) {
        lp.col_cost_.push_back(1 + below(50));
        lp.col_lower_.push_back(0);
        lp.col_upper_.push_back(1 + below(8));
        if (integer) lp.integrality_.push_back(HighsVarType::kInteger);
        for (int row = 0; row < rows; ++row) {
            if (below(4) != 0 && (row + column) % rows != 0) continue;
            lp.a_matrix_.index_.push_back(row);
            lp.a_matrix_.value_.push_back(1 + below(9));
        }
        lp.a_matrix_.start_.push_back((HighsInt)lp.a_matrix_.index_.size());
    }
    for (int row = 0; row < rows; ++row) {
        lp.row_lower_.push_back(5 + below(40));
        lp.row_upper_.push_back(kHighsInf);
    }
    return lp;
}

static void solve(const std::string &name, const HighsLp &lp, const std::string &solver) {
    Highs highs;
    highs.setOptionValue("output_flag", false);
    highs.setOptionValue("threads", 1);
    highs.setOptionValue("solver", solver);
    highs.passModel(lp);
    highs.run();
    const HighsInfo &info = highs.getInfo();
    std::printf("%s %s: %s, objective %.9g, %d+%d iterations, %lld nodes\n", name.c_str(), solver.c_str(),
                highs.modelStatusToString(highs.getModelStatus()).c_str(), info.objective_function_value,
                (int)info.simplex_iteration_count, (int)info.ipm_iteration_count, (long long)info.mip_node_count);
    double sum = 0;
    for (size_t i = 0; i < highs.getSolution().col_value.size(); ++i) sum += highs.getSolution().col_value[i] * (double)(i % 7 + 1);
    std::printf("  solution %.17g\n", sum);
}

int main() {
    for (int round = 0; round < 4; ++round) {
        const HighsLp lp = covering(60 + 40 * round, 20 + 15 * round, false);
        for (const char *solver : {"simplex", "ipx", "pdlp"}) solve("lp" + std::to_string(round), lp, solver);
    }
    for (int round = 0; round < 3; ++round) solve("mip" + std::to_string(round), covering(30 + 10 * round, 12 + 4 * round, true), "choose");

    HighsLp impossible = covering(10, 4, false);
    for (double &upper : impossible.col_upper_) upper = 0;
    solve("impossible", impossible, "simplex");
    HighsLp endless = covering(10, 4, false);
    endless.col_cost_[3] = -1;
    endless.col_upper_[3] = kHighsInf;
    solve("endless", endless, "simplex");
}
