"""What every upstream needs: circuit, connect rate, certificates, failure causes."""
