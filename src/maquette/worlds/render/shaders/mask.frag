out float mask;

void main() {
    mask = 1.0;
}
