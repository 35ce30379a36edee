// Where the rows of the encoding table are kept.

#include "encoding.hpp"

namespace lio::test {

std::vector<encoding_row>& encoding_rows() {
    static std::vector<encoding_row> rows; // made on first use: rows are added before main
    return rows;
}

} // namespace lio::test
